"""What searches by paths share: epochs of a supernet, then paths evaluated with its weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.domain import Domain
from nasir.core.evaluator import Evaluator, Problem
from nasir.core.registry import registries
from nasir.core.seeds import derived_seed
from nasir.core.trial import FULL, Proposal, Trial, best_of
from nasir.settings.building import make
from nasir.strategies.one_shot.settings import OneShotSettings
from nasir.strategies.scored import ScoredArchitecture

EPOCH = "supernet"
"""The stage at which a supernet is trained for one more epoch."""

SHARED = "shared"
"""The stage at which a path is evaluated with the supernet's weights."""


@attrs.define(slots=False)
class OneShot(OneShotSettings):
    """Trains a supernet by paths, evaluates paths with its weights, and the best few by themselves.

    Each epoch is a trial at stage ``supernet``. Each path is a trial at stage ``shared``, whose
    fidelity is the share of the epochs that were done. The best `final` of those after the last
    epoch are trials at the full stage. A subclass chooses the paths.
    """

    _domain: Domain = attrs.field(init=False)
    _seed: int = attrs.field(init=False)
    _first: Architecture = attrs.field(init=False)
    _training: bool = attrs.field(init=False, default=False)
    _over: bool = attrs.field(init=False, default=False)
    _trained: int = attrs.field(init=False, default=0)
    _asked: int = attrs.field(init=False, default=0)
    _in_flight: int = attrs.field(init=False, default=0)
    _final_proposals: int = attrs.field(init=False, default=0)
    _top: list[ScoredArchitecture] = attrs.field(init=False, factory=list)
    _inherited: list[ScoredArchitecture] = attrs.field(init=False, factory=list)
    _seen: dict[str, None] = attrs.field(init=False, factory=dict)

    @property
    @abstractmethod
    def max_paths(self) -> int:
        """The most paths that are evaluated with the supernet's weights."""

    @abstractmethod
    def _path(self) -> Architecture | None:
        """The next path to evaluate, None if there is none now; then no state is changed."""

    @property
    def between(self) -> int:
        """The number of paths that are evaluated between two epochs."""
        return 0

    @property
    def ranked(self) -> int:
        """The number of the best paths that are remembered."""
        return self.final

    @property
    def usual_trials(self) -> int:
        return self.epochs + self.max_paths + self.final

    def fewest_trials(self, problem: Problem) -> int:
        """All epochs and a path after them; with `final` all paths, and one by itself."""
        before = self.between * (self.epochs - 1)
        paths = min(self.max_paths, problem.domain.size) if self.final else before
        return self.epochs + paths + 1

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        from nasir.strategies.one_shot.stages import PathEpoch, PathScore

        same = ("calibration", "batch", "patch", "validation", "tile", "crop", "device")
        given = {name: getattr(self, name) for name in same}
        shared = make("evaluator", registries["evaluator"].default("supernet"), **given)
        settings = attrs.evolve(self)
        return {EPOCH: PathEpoch(settings, shared), SHARED: PathScore(settings, shared)}

    def bind(self, problem: Problem) -> None:
        import numpy as np

        self._domain, self._seed = problem.domain, problem.seed
        rng = np.random.default_rng(derived_seed(problem.seed, "one shot"))
        self._first = self._domain.sample(rng)

    def inherit(self, trials: Sequence[Trial]) -> None:
        """Evaluate the paths of inherited trials, the best first, instead of as many new ones."""
        known = {*self._seen, *(one.architecture.id for one in self._inherited)}
        for trial in trials:
            new = trial.architecture.id not in known and trial.architecture in self._domain
            if new and trial.score is not None:
                known.add(trial.architecture.id)
                self._inherited.append(ScoredArchitecture(trial.architecture, trial.score))
        self._inherited = sorted(self._inherited, key=lambda one: -one.score)[: self.max_paths]

    def ask(self) -> Proposal | None:
        """The next epoch, path or best path, once all trials that it depends on have ended."""
        if self._over or self._training:
            return None
        if self._final_proposals:
            return self._final()
        if self._trained < self.epochs and self._asked == self.between * self._trained:
            return None if self._in_flight else self._epoch()
        path = self._path()
        if path is None:
            return None if self._in_flight else self._final()
        self._asked += 1
        self._in_flight += 1
        self._seen[path.id] = None
        return Proposal(path, SHARED, self._trained / self.epochs)

    def tell(self, trial: Trial) -> None:
        """Learn from a trial; a failed epoch ends the search, since it would fail again."""
        if trial.proposal.stage == EPOCH:
            self._training = False
            self._over = trial.state == "failed"
            self._trained += trial.state == "complete"
        elif trial.proposal.stage == SHARED:
            self._in_flight -= 1
            if trial.score is not None and self._trained == self.epochs:
                self._rank(ScoredArchitecture(trial.architecture, trial.score))
            self._learn(trial)

    def recommend(self, trials: Sequence[Trial]) -> Trial:
        """The best at the full stage, or else the best path of the supernet trained longest."""
        complete = [t for t in trials if t.state == "complete"]
        of_paths = [t for t in complete if t.proposal.stage == SHARED]
        if not of_paths or any(t.proposal.stage == FULL for t in complete):
            return best_of(trials)
        return max(of_paths, key=lambda t: (t.proposal.fidelity, t.score, -t.number))

    def state_dict(self) -> dict[str, Any]:
        return {
            "training": self._training,
            "over": self._over,
            "trained": self._trained,
            "asked": self._asked,
            "in_flight": self._in_flight,
            "final_proposals": self._final_proposals,
            "top": self._encoded(self._top),
            "inherited": self._encoded(self._inherited),
            "seen": list(self._seen),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._training, self._over = state["training"], state["over"]
        self._trained, self._asked = state["trained"], state["asked"]
        self._in_flight, self._final_proposals = state["in_flight"], state["final_proposals"]
        self._top = self._decoded(state["top"])
        self._inherited = self._decoded(state["inherited"])
        self._seen = dict.fromkeys(state["seen"])

    def _epoch(self) -> Proposal:
        """One more epoch; its path is always the same, so that scores show the progress."""
        self._training = True
        return Proposal(self._first, EPOCH, (self._trained + 1) / self.epochs)

    def _final(self) -> Proposal | None:
        if self._final_proposals >= min(self.final, len(self._top)):
            return None
        self._final_proposals += 1
        return Proposal(self._top[self._final_proposals - 1].architecture)

    def _learn(self, trial: Trial) -> None:
        """Learn from the trial of a path, if the subclass does so at once."""

    def _rank(self, path: ScoredArchitecture) -> None:
        """Keep a path if it is among the best, each once."""
        known = {one.architecture.id for one in self._top}
        if path.architecture.id not in known:
            best = sorted([*self._top, path], key=lambda one: -one.score)
            self._top = best[: self.ranked]

    def _encoded(self, scored: Sequence[ScoredArchitecture]) -> list[list[Any]]:
        return [[score, *self._domain.encode(architecture)] for architecture, score in scored]

    def _decoded(self, plain: Sequence[Sequence[Any]]) -> list[ScoredArchitecture]:
        return [
            ScoredArchitecture(self._domain.decode(numbers), score) for score, *numbers in plain
        ]
