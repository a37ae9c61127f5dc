"""ISNAS-DIP: image-specific search without training or ground truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluator, Problem
from nasir.core.registry import registries
from nasir.core.seeds import derived_seed
from nasir.core.strategy import SizedSearch, Strategy, Timing
from nasir.core.trial import FULL, Proposal, Trial, best_of
from nasir.strategies.ranking import PROXY, scoring
from nasir.strategies.zero_cost import distinct

SMALL = "small"
"""The stage at which candidates are fitted to shrunk pictures."""

SCORING, FITTING = 0.25, 0.6
"""Shares of a search's time for scoring untrained networks and for fitting candidates."""

SLOWER = 1.5
"""How much longer a fit of a candidate may take than one of the usual architecture."""

FEWEST_CANDIDATES = 3
"""With fewer candidates there is no middle to be nearest to, and the proxy decides alone."""

SMALLEST = 1e-12
"""Stands for a proxy of zero in the inverse."""


def _registered(strategy: IsnasDip, field: attrs.Attribute[str], name: str) -> None:
    registries["proxy"].entry(name)


@attrs.define
class IsnasDip(Strategy):
    """Draws many architectures, scores them untrained, fits the best few, takes the middle one.

    ISNAS-DIP section 3.3: of `pool` random architectures the `keep` with the lowest proxy are
    fitted, and the one whose reconstruction is nearest to the weighted mean of all of them wins.
    All of it is on the test pictures themselves, and no ground truth is used. With several
    pictures, proxies and distances are means over them; give one for the method of the paper.
    """

    split = "test"

    proxy: str = setting("psd_db_strip_mse", "what scores untrained networks", _registered)
    pool: int = setting(500, "architectures drawn, >= 1 (the paper: 5000)", must.ge(1))
    keep: int = setting(15, "of them, how many are fitted (N), >= 1", must.ge(1))
    selection: str = setting(
        "full",
        "fit candidates to whole pictures (full), or shrunk to `side` (resized)",
        must.in_(("full", "resized")),
    )
    side: int = setting(64, "short side of shrunk pictures, in pixels, >= 16", must.ge(16))
    weights: str = setting(
        "inverse",
        "of reconstructions, by proxy m: inverse, 1 / m (paper), or linear, "
        "(max - m) / (max - min) (published program)",
        must.in_(("inverse", "linear")),
    )
    initialisations: int = setting(1, "fresh networks scored an architecture, >= 1", must.ge(1))
    score_side: int = setting(
        0, "score on the pictures' middle of so many pixels; 0: whole (see docs)", must.ge(0)
    )
    looks_at: ClassVar[frozenset[str]] = frozenset((FULL, SMALL))
    _pool: list[Architecture] = attrs.field(init=False)
    _places: dict[str, int] = attrs.field(init=False)
    _asked: int = attrs.field(init=False, default=0)
    _scored: int = attrs.field(init=False, default=0)
    _best: list[tuple[float, int]] = attrs.field(init=False, factory=list)
    _restored: dict[int, Mapping[str, Any]] = attrs.field(init=False, factory=dict)

    @property
    def usual_trials(self) -> int:
        return self.pool + self.keep

    def fewest_trials(self, problem: Problem) -> int:
        """The pool, which is scored, and one more."""
        return min(self.pool, problem.domain.size) + 1

    def sized_to(self, seconds: float, timing: Timing, fixed: Collection[str] = ()) -> SizedSearch:
        """As many architectures and candidates as there is time for; no candidate: score alone."""
        pool = max(1, min(self.pool, int(SCORING * seconds / timing.seconds[PROXY])))
        fits = FITTING * seconds / (SLOWER * timing.seconds[self._fitting])
        keep = min(self.keep, pool, int(fits / timing.least))
        share = min(timing.most, fits / keep) if keep else timing.most
        if keep < min(FEWEST_CANDIDATES, self.keep):
            keep, share = 0, timing.most
        pool = self.pool if "pool" in fixed else pool
        keep = self.keep if "keep" in fixed else keep
        return SizedSearch(attrs.evolve(self, pool=pool, keep=max(1, keep)), pool + keep, share)

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        if not full.restores:
            raise SettingsError(
                "strategy=isnas compares restored pictures: take an evaluator that makes some"
            )
        if self.weights == "inverse" and registries["proxy"].load(self.proxy).larger_is_better:
            raise SettingsError(
                f"strategy.weights=inverse wants a proxy of which less is better, {self.proxy} is "
                "not: take strategy.weights=linear"
            )
        evaluators = {PROXY: scoring(full, (self.proxy,), self.initialisations, self.score_side)}
        if self.selection == "resized":
            small = full.at_side(self.side)
            if small is None:
                raise SettingsError(
                    "strategy.selection=resized wants an evaluator of shrunk pictures: take "
                    "strategy.selection=full"
                )
            evaluators[SMALL] = small
        return evaluators

    def bind(self, problem: Problem) -> None:
        import numpy as np

        rng = np.random.default_rng(derived_seed(problem.seed, "isnas"))
        self._pool = distinct(problem.domain, self.pool, rng)
        self._places = {architecture.id: i for i, architecture in enumerate(self._pool)}

    def ask(self) -> Proposal | None:
        """The pool first, then, when all of it is scored, the candidates."""
        place = self._asked - len(self._pool)
        if place < 0:
            proposal = Proposal(self._pool[self._asked], PROXY)
        elif self._scored == len(self._pool) and place < len(self._best):
            proposal = Proposal(self._pool[self._best[place][1]], self._fitting)
        else:
            return None
        self._asked += 1
        return proposal

    def tell(self, trial: Trial) -> None:
        place = self._places[trial.architecture.id]
        if trial.proposal.stage == PROXY:
            self._scored += 1
            if trial.score is not None:
                self._best = sorted([*self._best, (-trial.score, place)])[: self.keep]
        elif trial.state == "complete":
            self._restored[place] = dict(trial.pictures)

    def recommend(self, trials: Sequence[Trial]) -> Trial:
        """The candidate nearest to the weighted mean; before any is fitted, the best scored.

        Of those in `trials` alone: if a search is interrupted, the last one may be missing.
        """
        ended = {(t.architecture.id, t.proposal.stage): t for t in trials if t.state == "complete"}
        fitted = {p: ended.get((self._pool[p].id, self._fitting)) for p in self._restored}
        scored = (ended.get((self._pool[p].id, PROXY)) for _, p in self._best)
        there = [place for place, trial in fitted.items() if trial]
        found = fitted[self._middle(there)] if there else next(filter(None, scored), None)
        return found or best_of(trials)

    def state_dict(self) -> dict[str, Any]:
        return {
            "asked": self._asked,
            "scored": self._scored,
            "best": [list(one) for one in self._best],
            "restored": {str(place): dict(p) for place, p in self._restored.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._asked, self._scored = state["asked"], state["scored"]
        self._best = [(value, place) for value, place in state["best"]]
        self._restored = {int(place): p for place, p in state["restored"].items()}

    @property
    def _fitting(self) -> str:
        """The stage at which candidates are fitted."""
        return FULL if self.selection == "full" else SMALL

    def _middle(self, places: Sequence[int]) -> int:
        """Which of these candidates is nearest to the weighted mean of their reconstructions."""
        import numpy as np

        values = {place: value for value, place in self._best}
        weights = self._weights([values[place] for place in places])
        distances = np.zeros(len(places))
        for name in self._restored[places[0]]:
            pictures = np.stack([self._restored[place][name] for place in places])
            mean = np.tensordot(weights / weights.sum(), pictures, 1)
            distances += ((pictures - mean) ** 2).mean(axis=(1, 2, 3))
        return places[int(distances.argmin())]

    def _weights(self, values: Sequence[float]) -> Any:
        """The weights of reconstructions whose architectures have these proxies."""
        import numpy as np

        m = np.array(values)
        if self.weights == "inverse":
            return 1 / np.maximum(m, SMALLEST)
        spread = m.max() - m.min()
        return (m.max() - m) / spread if spread else np.ones(len(m))
