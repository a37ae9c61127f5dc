"""What searches by paths have in common: epochs of a supernet, then paths judged by it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.domain import Domain
from nasir.core.evaluator import Evaluator, Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial, best_of
from nasir.settings.building import make
from nasir.strategies.scored import ScoredArchitecture
from nasir.training.losses import terms

EPOCH = "supernet"
"""The stage at which a supernet is trained for one more epoch."""

SHARED = "shared"
"""The stage at which a path is judged by the supernet's weights."""


def _is_loss(strategy: OneShot, field: attrs.Attribute[str], text: str) -> None:
    terms(text)


@attrs.define(slots=False)  # slots that are still empty could not be sent to other processes
class OneShot(Strategy):
    """Trains a supernet by paths, judges paths by its weights, and the best few in earnest.

    Each epoch is a trial at stage ``supernet``, each judged path one at stage ``shared``, whose
    fidelity is the share of the epochs that were done, and the best `final` of those judged
    after the last epoch are trials at the full stage. A subclass says which paths.
    """

    epochs: int = setting(20, "epochs of the supernet, >= 1", must.ge(1))
    steps: int = setting(10, "weight steps an epoch, one path each, >= 1", must.ge(1))
    batch: int = setting(2, "patches a step, >= 1", must.ge(1))
    patch: int = setting(32, "side of a degraded patch in pixels, >= 1", must.ge(1))
    loss: str = setting("mse", "sum of mse, l1 and log_ssim, such as mse+0.6*log_ssim", _is_loss)
    lr: float = setting(0.025, "learning rate of the weights (SGD) at the start, > 0", must.gt(0))
    lr_end: float = setting(0.001, "and at the end, by cosine, >= 0", must.ge(0))
    momentum: float = setting(0.9, "of the weights' SGD, in [0, 1)", [must.ge(0), must.lt(1)])
    decay: float = setting(3e-4, "weight decay, >= 0", must.ge(0))
    clip: float = setting(5.0, "largest norm of the weights' gradient; 0: no limit", must.ge(0))
    final: int = setting(
        0, "how many of the best paths the run's evaluator judges at last, >= 0", must.ge(0)
    )
    calibration: int = setting(
        8,
        "batches from which a path's batch-norm statistics are taken anew; 0: the supernet's",
        must.ge(0),
    )
    validation: float = setting(
        0.02, "share of the training pictures to judge on, in (0, 1)", [must.gt(0), must.lt(1)]
    )
    tile: int = setting(
        64, "validation pictures are restored in patches of so many pixels; 0: whole", must.ge(0)
    )
    crop: int = setting(
        0, "side of the middle of validation pictures that is looked at; 0: all", must.ge(0)
    )
    device: str = setting("auto", "cpu, cuda, or auto: a GPU where there is one")
    _domain: Domain = attrs.field(init=False)
    _seed: int = attrs.field(init=False)
    _first: Architecture = attrs.field(init=False)
    _training: bool = attrs.field(init=False, default=False)
    _over: bool = attrs.field(init=False, default=False)
    _trained: int = attrs.field(init=False, default=0)
    _asked: int = attrs.field(init=False, default=0)
    _judging: int = attrs.field(init=False, default=0)
    _finals: int = attrs.field(init=False, default=0)
    _top: list[ScoredArchitecture] = attrs.field(init=False, factory=list)
    _inherited: list[ScoredArchitecture] = attrs.field(init=False, factory=list)
    _seen: dict[str, None] = attrs.field(init=False, factory=dict)

    @property
    @abstractmethod
    def judged(self) -> int:
        """How many paths are judged at most."""

    @abstractmethod
    def _path(self) -> Architecture | None:
        """The next path to judge, None where there is none now; then no state is changed."""

    @property
    def between(self) -> int:
        """How many paths are judged between two epochs."""
        return 0

    @property
    def ranked(self) -> int:
        """How many of the best paths are remembered."""
        return self.final

    @property
    def usual_trials(self) -> int:
        return self.epochs + self.judged + self.final

    def epochs_at(self, fidelity: float) -> int:
        """How many epochs a proposal's fidelity stands for."""
        return round(fidelity * self.epochs)

    def paths(self, problem: Problem, epoch: int) -> Sequence[Architecture]:
        """The paths of the steps of an epoch, from 0: architectures drawn uniformly."""
        import numpy as np

        rng, domain = (
            np.random.default_rng(derived_seed(problem.seed, "paths", epoch)),
            problem.domain,
        )
        return [domain.sample(rng) for _ in range(self.steps)]

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        from nasir.strategies.one_shot.stages import PathEpoch, PathScore

        same = ("calibration", "batch", "patch", "validation", "tile", "crop", "device")
        given = {"name": "shared"} | {name: getattr(self, name) for name in same}
        shared, how = make("evaluator", given), attrs.evolve(self)
        return {EPOCH: PathEpoch(how, shared), SHARED: PathScore(how, shared)}

    def bind(self, problem: Problem) -> None:
        import numpy as np

        self._domain, self._seed = problem.domain, problem.seed
        rng = np.random.default_rng(derived_seed(problem.seed, "one shot"))
        self._first = self._domain.sample(rng)

    def inherit(self, trials: Sequence[Trial]) -> None:
        """Judge the paths of what others found, the best first, instead of as many new ones."""
        known = {*self._seen, *(one.architecture.id for one in self._inherited)}
        for trial in trials:
            new = trial.architecture.id not in known and trial.architecture in self._domain
            if new and trial.score is not None:
                known.add(trial.architecture.id)
                self._inherited.append(ScoredArchitecture(trial.architecture, trial.score))
        self._inherited = sorted(self._inherited, key=lambda one: -one.score)[: self.judged]

    def ask(self) -> Proposal | None:
        """The next epoch, path, or one of the best paths, when all that it follows are told."""
        if self._over or self._training:
            return None
        if self._finals:
            return self._final()
        if self._trained < self.epochs and self._asked == self.between * self._trained:
            return None if self._judging else self._epoch()
        path = self._path()
        if path is None:
            return None if self._judging else self._final()
        self._asked += 1
        self._judging += 1
        self._seen[path.id] = None
        return Proposal(path, SHARED, self._trained / self.epochs)

    def tell(self, trial: Trial) -> None:
        """Take in a trial; an epoch that failed ends the search, since it would fail again."""
        if trial.proposal.stage == EPOCH:
            self._training = False
            self._over = trial.state == "failed"
            self._trained += trial.state == "complete"
        elif trial.proposal.stage == SHARED:
            self._judging -= 1
            if trial.score is not None and self._trained == self.epochs:
                self._rank(ScoredArchitecture(trial.architecture, trial.score))
            self._learn(trial)

    def recommend(self, trials: Sequence[Trial]) -> Trial:
        """The best at the full stage, or else the best path of the supernet trained longest."""
        complete = [t for t in trials if t.state == "complete"]
        judged = [t for t in complete if t.proposal.stage == SHARED]
        if not judged or any(t.proposal.stage == FULL for t in complete):
            return best_of(trials)
        return max(judged, key=lambda t: (t.proposal.fidelity, t.score, -t.number))

    def state_dict(self) -> dict[str, Any]:
        return {
            "training": self._training,
            "over": self._over,
            "trained": self._trained,
            "asked": self._asked,
            "judging": self._judging,
            "finals": self._finals,
            "top": self._encoded(self._top),
            "inherited": self._encoded(self._inherited),
            "seen": list(self._seen),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._training, self._over = state["training"], state["over"]
        self._trained, self._asked = state["trained"], state["asked"]
        self._judging, self._finals = state["judging"], state["finals"]
        self._top = self._decoded(state["top"])
        self._inherited = self._decoded(state["inherited"])
        self._seen = dict.fromkeys(state["seen"])

    def _epoch(self) -> Proposal:
        """One more epoch; its path is the same each time, so that scores show the progress."""
        self._training = True
        return Proposal(self._first, EPOCH, (self._trained + 1) / self.epochs)

    def _final(self) -> Proposal | None:
        if self._finals >= min(self.final, len(self._top)):
            return None
        self._finals += 1
        return Proposal(self._top[self._finals - 1].architecture)

    def _learn(self, trial: Trial) -> None:
        """Take in a judged path, where the subclass learns from it at once."""

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
