"""BANANAS: the best of many candidates as an ensemble predicts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.domain import Domain
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial
from nasir.strategies.unseen import unseen


@attrs.define
class Bananas(Strategy):
    """Bayesian optimisation with an ensemble of neural predictors (BANANAS, algorithm 1).

    The first `initial` architectures are drawn. From then on the ensemble is trained on all
    complete trials, inherited ones included, each time `retrain_every` more are known. The next
    proposal is the best by `acquisition` of `candidates`: mutations of the `parents` best
    architectures and a share `drawn` of drawn ones. Nothing is evaluated twice: the search ends
    when the space is used up.

    Unlike in the paper, a proposal is chosen whenever a worker is free, not in batches, and
    the predictors are smaller (:class:`~nasir.strategies.bananas.ensemble.Ensemble`).
    """

    initial: int = setting(10, "trials known before the first prediction, >= 2", must.ge(2))
    members: int = setting(5, "networks in the ensemble (M), >= 1", must.ge(1))
    epochs: int = setting(150, "of a training, each on all scores at once, >= 1", must.ge(1))
    retrain_every: int = setting(
        5, "complete trials between trainings, >= 1 (the paper: 10)", must.ge(1)
    )
    candidates: int = setting(100, "candidates of a proposal (c), >= 1", must.ge(1))
    drawn: float = setting(
        0.2,
        "share of candidates drawn from the whole space, in [0, 1]",
        [must.ge(0), must.le(1)],
    )
    parents: int = setting(10, "best architectures that are mutated, >= 1", must.ge(1))
    acquisition: str = setting(
        "its",
        "its (independent Thompson sampling), ucb, ei or pi",
        must.in_(("its", "ucb", "ei", "pi")),
    )
    _domain: Domain = attrs.field(init=False)
    _seed: int = attrs.field(init=False)
    # Any, because attrs resolves the types of fields and these ones' modules are heavy
    _rng: Any = attrs.field(init=False)
    _known: list[tuple[Architecture, float]] = attrs.field(init=False, factory=list)
    _seen: set[str] = attrs.field(init=False, factory=set)
    _flying: list[str] = attrs.field(init=False, factory=list)
    _learnt: int = attrs.field(init=False, default=0)
    _ensemble: Any = attrs.field(init=False, default=None)

    @property
    def usual_trials(self) -> int:
        return 100

    def bind(self, problem: Problem) -> None:
        import numpy as np

        self._domain = problem.domain
        self._seed = problem.seed
        self._rng = np.random.default_rng(derived_seed(problem.seed, "bananas"))

    def ask(self) -> Proposal | None:
        before = self._rng.bit_generator.state
        guided = len(self._known) >= self.initial
        architecture = self._most_promising() if guided else self._draw()
        if architecture is None:
            self._rng.bit_generator.state = before
            return None
        self._seen.add(architecture.id)
        self._flying.append(architecture.id)
        return Proposal(architecture)

    def tell(self, trial: Trial) -> None:
        self._flying.remove(trial.architecture.id)
        self._take(trial)

    def inherit(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._take(trial)

    def state_dict(self) -> dict[str, Any]:
        return {
            "generator": self._rng.bit_generator.state,
            "flying": list(self._flying),
            "learnt": self._learnt,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._rng.bit_generator.state = state["generator"]
        self._flying = list(state["flying"])
        self._seen = set(self._flying)
        self._learnt = state["learnt"]

    def remember(self, trials: Sequence[Trial]) -> None:
        """Take in all trials; the ensemble is trained again when it is needed."""
        self.inherit(trials)

    def _take(self, trial: Trial) -> None:
        self._seen.add(trial.architecture.id)
        if trial.score is not None:
            self._known.append((trial.architecture, trial.score))

    def _draw(self) -> Architecture | None:
        return unseen(self._domain, self._seen, self._rng)

    def _most_promising(self) -> Architecture | None:
        """The candidate with the greatest acquisition; None if none is left."""
        from nasir.strategies.bananas.acquisition import ACQUISITIONS
        from nasir.strategies.bananas.encoding import one_hot

        candidates = self._candidates()
        if not candidates:
            return None
        mean, spread = self._trained().predict(one_hot(self._domain, candidates))
        best = max(score for _, score in self._known)
        promise = ACQUISITIONS[self.acquisition](mean, spread, best, self._rng)
        return candidates[int(promise.argmax())]

    def _candidates(self) -> list[Architecture]:
        """Different unseen architectures: mutations of the best known, and drawn ones."""
        best = sorted(self._known, key=lambda known: -known[1])[: self.parents]
        drawn = max(1, round(self.drawn * self.candidates))
        found: dict[str, Architecture] = {}
        for place in range(self.candidates - drawn):
            parent, _ = best[place % len(best)]
            child = self._domain.mutate(parent, self._rng)
            found.setdefault(child.id, child)
        for _ in range(drawn):
            child = self._domain.sample(self._rng)
            found.setdefault(child.id, child)
        fresh = [child for name, child in found.items() if name not in self._seen]
        if fresh:
            return fresh
        last = self._draw()
        return [] if last is None else [last]

    def _trained(self) -> Any:
        """The ensemble, trained again if enough trials are new.

        It depends only on the seed and on the number of trials it was trained on, so that it is
        the same after an interruption.
        """
        from nasir.strategies.bananas.encoding import one_hot
        from nasir.strategies.bananas.ensemble import Ensemble

        due = not self._learnt or len(self._known) - self._learnt >= self.retrain_every
        if due:
            self._learnt = len(self._known)
        if due or self._ensemble is None:
            import numpy as np

            architectures, scores = zip(*self._known[: self._learnt], strict=True)
            seed = derived_seed(self._seed, "bananas", "ensemble", self._learnt)
            features = one_hot(self._domain, architectures)
            self._ensemble = Ensemble(features, np.array(scores), self.members, self.epochs, seed)
        return self._ensemble
