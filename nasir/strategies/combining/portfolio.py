"""Several strategies at once, on one budget."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.evaluator import Problem
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.strategies.combining.parts import Combining, inner_trial, learnable

OTHERS = -1
"""The owner of a trial that no part proposed."""


@attrs.define
class Portfolio(Combining):
    """Strategies that take turns; one that finds better architectures has more turns (UCB1).

    The gain of a full-stage trial is the share of all such trials before it that it surpasses.
    The next turn is the part's with the greatest mean gain of its last `window` trials plus
    `exploration` times sqrt(2 ln n / n_i), after n turns of which it had n_i (Auer et al. 2002).
    Trials of other stages, which cost little, are not turns. With `share`, every part inherits
    the trials of the others.
    """

    parts: tuple[Strategy, ...] = setting((), "strategies", converter=tuple)
    exploration: float = setting(0.2, "weight of parts that had few turns, >= 0", must.ge(0))
    window: int = setting(30, "number of the last turns of a part that count, >= 1", must.ge(1))
    share: bool = setting(True, "whether the parts learn from each other's trials")
    _log_owners: list[int] = attrs.field(init=False, factory=list)
    _gains: list[list[float]] = attrs.field(init=False, factory=list)
    _turns: list[int] = attrs.field(init=False, factory=list)
    _scores: list[float] = attrs.field(init=False, factory=list)

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        return self.parts

    @property
    def usual_trials(self) -> int:
        return sum(part.usual_trials for part in self.parts)

    def fewest_trials(self, problem: Problem) -> int:
        return min(part.fewest_trials(problem) for part in self.parts)

    def bind(self, problem: Problem) -> None:
        Combining.bind(self, problem)
        self._owners = []
        self._forget()

    def ask(self) -> Proposal | None:
        """The proposal of the part whose turn it is, or of the next that has one."""
        for place in sorted(range(len(self.parts)), key=self._priority, reverse=True):
            proposal = self._ask_part(place)
            if proposal is not None:
                self._turns[place] += proposal.stage == FULL
                return proposal
        return None

    def tell(self, trial: Trial) -> None:
        self._record(trial, self._owners[0])
        owner = self._tell_owner(trial)
        self._pass_on([trial], owner)

    def inherit(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._record(trial, OTHERS)
        self._pass_on(trials, OTHERS)

    def state_dict(self) -> dict[str, Any]:
        return {
            **Combining.state_dict(self),
            "log_owners": list(self._log_owners),
            "turns": list(self._turns),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        Combining.load_state_dict(self, state)
        self._log_owners, self._turns = list(state["log_owners"]), list(state["turns"])

    def remember(self, trials: Sequence[Trial]) -> None:
        owners, turns = self._log_owners, self._turns
        self._forget()
        for trial, owner in zip(trials, owners, strict=True):
            self._record(trial, owner)
        self._turns = turns
        for place, strategy in enumerate(self._bound):
            known = [
                inner_trial(trial, place)
                for trial, owner in zip(trials, owners, strict=True)
                if owner == place or (self._passes(owner) and learnable([trial]))
            ]
            strategy.remember(known)

    def _priority(self, place: int) -> tuple[float, int]:
        """The priority of a part for the next turn (UCB1); the first of equals comes first."""
        turns = self._turns[place]
        if not turns:
            return math.inf, -place
        gains = self._gains[place][-self.window :]
        mean = sum(gains) / len(gains) if gains else 0.0
        few = math.sqrt(2 * math.log(sum(self._turns)) / turns)
        return mean + self.exploration * few, -place

    def _record(self, trial: Trial, owner: int) -> None:
        """Record a trial and the gain of its owner."""
        self._log_owners.append(owner)
        if trial.proposal.stage != FULL:
            return
        gain = 0.0
        if trial.score is not None:
            below = bisect_left(self._scores, trial.score)
            gain = below / len(self._scores) if self._scores else 1.0
            insort(self._scores, trial.score)
        if owner != OTHERS:
            self._gains[owner].append(gain)

    def _pass_on(self, trials: Sequence[Trial], owner: int) -> None:
        """Let the parts inherit trials of one of them or of another strategy."""
        learnt = learnable(trials)
        if not learnt or not self._passes(owner):
            return
        for place, strategy in enumerate(self._bound):
            if place != owner:
                strategy.inherit(learnt)

    def _passes(self, owner: int) -> bool:
        return self.share or owner == OTHERS

    def _forget(self) -> None:
        self._log_owners, self._scores = [], []
        self._gains = [[] for _ in self.parts]
        self._turns = [0] * len(self.parts)
