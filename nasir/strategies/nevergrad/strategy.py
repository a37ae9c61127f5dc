"""Any optimiser of nevergrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.domain import Domain
from nasir.core.errors import NasirError, SettingsError
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial
from nasir.strategies.unseen import unseen

TRIES = 10
"""Candidates without a new architecture, after which one is drawn instead."""

FAILED_LOSS = 1e20
"""The loss of failures before the first success; nevergrad clips losses above 5e20."""

ASKED, FINISHED, INHERITED = "a", "t", "i"
"""The events of a search, in the state."""


@attrs.define
class Nevergrad(Strategy):
    """Lets an optimiser of nevergrad choose among the options of each decision.

    Options are categories to it (see :mod:`nasir.strategies.nevergrad.encoding`). No architecture
    is evaluated twice: the optimiser gets the known score at once and proposes again; if it keeps
    repeating itself, an architecture is drawn. The search ends when all are evaluated, or
    when an optimiser that plans its points in advance has no more. A failed trial, and an
    architecture outside the limits, counts as the worst score so far.

    The optimiser itself is not stored: to resume, all its proposals and results are repeated,
    without evaluations, in some milliseconds a trial. Optimisers that cannot be repeated, since
    they call another library in a thread, are refused.
    """

    optimizer: str = setting("DoubleFastGADiscreteOnePlusOne", "its name in nevergrad's registry")
    budget: int = setting(100, "evaluations that the optimiser plans for, >= 1", must.ge(1))
    num_workers: int = setting(
        1, "evaluations at once that the optimiser plans for, >= 1", must.ge(1)
    )
    _domain: Domain = attrs.field(init=False)
    _seed: int = attrs.field(init=False)
    # Any, because attrs resolves the types of fields and this one's module imports nevergrad
    _optimizer: Any = attrs.field(init=False)
    _events: list[str] = attrs.field(init=False, factory=list)
    _losses: dict[str, float | None] = attrs.field(init=False, factory=dict)
    _flying: dict[str, list[Any]] = attrs.field(init=False, factory=dict)
    _worst: float | None = attrs.field(init=False, default=None)
    _spare: Architecture | None = attrs.field(init=False, default=None)

    @property
    def usual_trials(self) -> int:
        return self.budget

    def bind(self, problem: Problem) -> None:
        if not problem.domain.decisions:
            raise SettingsError(
                f"space={problem.domain.space} leaves nothing to decide: take strategy=random"
            )
        from nasir.strategies.nevergrad.optimizer import ArchitectureOptimizer

        self._domain = problem.domain
        self._seed = problem.seed
        self._optimizer = ArchitectureOptimizer(
            self.optimizer, self._domain, self._seed, self.budget, self.num_workers
        )

    def ask(self) -> Proposal | None:
        if self._flying and self._optimizer.sequential:
            return None
        if self._optimizer.ended or not self._find_spare():
            return None
        self._events.append(ASKED)
        return Proposal(self._next())

    def tell(self, trial: Trial) -> None:
        self._events.append(FINISHED)
        loss = None if trial.score is None else -trial.score
        self._know(trial.architecture, loss)
        candidates = self._flying.pop(trial.architecture.id)
        for candidate in candidates:
            self._optimizer.tell(candidate, trial.architecture, self._cost(loss))
        if not candidates:
            self._optimizer.tell_not_asked(trial.architecture, self._cost(loss))

    def inherit(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._events.append(INHERITED)
            assert trial.score is not None
            self._know(trial.architecture, -trial.score)
            self._optimizer.tell_not_asked(trial.architecture, -trial.score)

    def state_dict(self) -> dict[str, Any]:
        return {"events": "".join(self._events)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._events = list(state["events"])

    def remember(self, trials: Sequence[Trial]) -> None:
        """Repeat all events from the first."""
        events, self._events = self._events, []
        following = iter(trials)
        for event in events:
            if event == ASKED:
                self.ask()
            elif event == INHERITED:
                self.inherit([next(following)])
            else:
                trial = next(following)
                if trial.architecture.id not in self._flying:
                    raise NasirError(
                        f"strategy.optimizer={self.optimizer} asks for other architectures than "
                        "this run has: continue with the versions of nevergrad and numpy that it "
                        "began with, or begin again"
                    )
                self.tell(trial)

    def _next(self) -> Architecture:
        """The first new architecture that the optimiser proposes."""
        for _ in range(TRIES):
            asked = None if self._optimizer.ended else self._optimizer.ask()
            if asked is None:
                break
            candidate, architecture = asked
            name = architecture.id
            if name in self._flying:
                self._flying[name].append(candidate)
                continue
            if name not in self._losses and architecture in self._domain:
                self._flying[name] = [candidate]
                return architecture
            loss = self._losses.setdefault(name, None)
            self._optimizer.tell(candidate, architecture, self._cost(loss))
        assert self._spare is not None
        self._flying[self._spare.id] = []
        return self._spare

    def _find_spare(self) -> bool:
        """Choose the architecture to propose if the optimiser has none; False if all are known."""
        spare = self._spare
        if spare is None or spare.id in self._losses or spare.id in self._flying:
            import numpy as np

            seen = self._losses.keys() | self._flying.keys()
            seed = derived_seed(self._seed, "nevergrad", "spare", len(self._events))
            self._spare = unseen(self._domain, seen, np.random.default_rng(seed))
        return self._spare is not None

    def _know(self, architecture: Architecture, loss: float | None) -> None:
        self._losses[architecture.id] = loss
        if loss is not None:
            self._worst = loss if self._worst is None else max(loss, self._worst)

    def _cost(self, loss: float | None) -> float:
        """The loss for the optimiser: for a failure, the worst so far."""
        worst = FAILED_LOSS if self._worst is None else self._worst
        return worst if loss is None else loss
