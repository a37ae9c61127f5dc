"""What successive halving and Hyperband share."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.evaluator import Problem
from nasir.core.objectives import Objective, values_of
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.strategies.halving.brackets import Bracket
from nasir.strategies.halving.candidates import Candidates
from nasir.strategies.halving.rungs import FrontRung, Rung, over, promotion, survivor

ASYNCHRONOUS = "asynchronous"
SYNCHRONOUS = "synchronous"


@attrs.frozen
class Configuration:
    """An architecture with the seed that all its trials have, and the bracket it began in."""

    architecture: Architecture
    seed: int
    bracket: int


@attrs.define
class BracketSearch(Strategy):
    """Begins many architectures at low fidelity and promotes the best of each rung.

    Architectures are drawn for one bracket after another, and again from the first when all are
    done. A promoted trial has the seed of the one before it, so that an evaluator can continue
    from that one's checkpoint. With several objectives the best are the first fronts.
    """

    eta: int = setting(3, "one in eta architectures is promoted, >= 2", must.ge(2))
    lowest: float = setting(
        0.1,
        "fidelity that no trial is below, in (0, 1]; rungs are at 1, 1 / eta, 1 / eta^2, ...",
        [must.gt(0), must.le(1)],
    )
    mode: str = setting(
        ASYNCHRONOUS,
        "whether the best so far are promoted at once, or when all of their rung have ended",
        must.in_((ASYNCHRONOUS, SYNCHRONOUS)),
    )
    inherited: int = setting(
        9,
        "number of the best architectures of other strategies that come first, >= 0",
        must.ge(0),
    )
    _candidates: Candidates = attrs.field(init=False)
    _brackets: tuple[Bracket, ...] = attrs.field(init=False)
    _objectives: tuple[Objective, ...] = attrs.field(init=False)
    _rungs: list[list[Rung]] = attrs.field(init=False)
    _drawn: int = attrs.field(init=False, default=0)
    _configurations: list[Configuration] = attrs.field(init=False, factory=list)
    _numbers: dict[int, int] = attrs.field(init=False, factory=dict)
    _flying: deque[Proposal] = attrs.field(init=False, factory=deque)

    @abstractmethod
    def brackets(self) -> tuple[Bracket, ...]:
        """The brackets of a round, in the order of their turns."""

    @property
    def usual_trials(self) -> int:
        """The trials of one synchronous round."""
        return sum(sum(bracket.sizes) for bracket in self.brackets())

    def fewest_trials(self, problem: Problem) -> int:
        """Until one reaches the top of the first bracket.

        Asynchronous: eta trials let the first of a rung be promoted, and then each that is better.
        """
        first = self.brackets()[0]
        if self.mode == SYNCHRONOUS:
            return sum(first.sizes[:-1]) + 1
        return sum(1 + (self.eta - 1) * rung for rung in range(len(first.sizes)))

    def bind(self, problem: Problem) -> None:
        self._candidates = Candidates.of(problem, self.inherited)
        self._brackets = self.brackets()
        self._objectives = problem.objectives
        self._rungs = [self._empty(bracket) for bracket in self._brackets]

    def ask(self) -> Proposal | None:
        proposal = self._promotion() or self._beginning()
        if proposal is not None:
            self._record_proposal(proposal)
            self._flying.append(proposal)
        return proposal

    def tell(self, trial: Trial) -> None:
        self._record_trial(self._flying.popleft(), trial)

    def inherit(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._candidates.inherit(trial)

    def state_dict(self) -> dict[str, Any]:
        """What cannot be computed from the trials; seeds identify those of this strategy."""
        import numpy as np

        return {
            "candidates": self._candidates.state_dict(),
            "seeds": np.array([c.seed for c in self._configurations], np.int64),
            "flying": [[p.architecture.json, p.fidelity, p.seed] for p in self._flying],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._candidates.load_state_dict(state["candidates"])
        self._numbers = {int(seed): number for number, seed in enumerate(state["seeds"])}
        self._flying = deque(
            Proposal(Architecture.from_json(text), fidelity=fidelity, seed=seed)
            for text, fidelity, seed in state["flying"]
        )

    def remember(self, trials: Sequence[Trial]) -> None:
        """Repeat all events: a configuration began with the first trial of its seed."""
        for trial in trials:
            seed = _seed(trial)
            if seed in self._numbers:
                began = self._numbers[seed] < len(self._configurations)
                proposal = attrs.evolve(trial.proposal, seed=seed if began else None)
                self._record_proposal(proposal)
                self._record_trial(proposal, trial)
            elif trial.state == "complete" and trial.proposal.stage == FULL:
                self._candidates.inherit(trial)
        for proposal in self._flying:
            self._record_proposal(proposal)

    def _promotion(self) -> Proposal | None:
        """The next promotion, None if there is none."""
        if self.mode == ASYNCHRONOUS:
            found = [promotion(rungs, self.eta) for rungs in self._rungs]
        else:
            now = self._turn(max(0, self._drawn - 1))[0]
            found = [survivor(self._rungs[now], self._brackets[now].sizes)]
        number, rung = next(filter(None, found), (None, 0))
        if number is None:
            return None
        configuration = self._configurations[number]
        fidelity = self._brackets[configuration.bracket].fidelities[rung]
        return Proposal(configuration.architecture, fidelity=fidelity, seed=configuration.seed)

    def _beginning(self) -> Proposal | None:
        """The next new architecture, None if the bracket before must end first."""
        bracket, place = self._turn(self._drawn)
        if self.mode == SYNCHRONOUS and self._drawn and place == 0:
            before = self._turn(self._drawn - 1)[0]
            if not over(self._rungs[before], self._brackets[before].sizes):
                return None
        lowest = self._brackets[bracket].fidelities[0]
        return Proposal(self._candidates.draw(), fidelity=lowest)

    def _record_proposal(self, proposal: Proposal) -> None:
        """Record a proposal."""
        if proposal.seed is None:
            bracket, place = self._turn(self._drawn)
            if self.mode == SYNCHRONOUS and place == 0:
                self._rungs[bracket] = self._empty(self._brackets[bracket])
            self._candidates.know(proposal.architecture)
            self._drawn += 1
        else:
            number, rungs, place = self._place(proposal)
            rungs[place - 1].promote(number)

    def _record_trial(self, proposal: Proposal, trial: Trial) -> None:
        """Record the trial of a proposal."""
        if proposal.seed is None:
            number, seed = len(self._configurations), _seed(trial)
            bracket = self._turn(number)[0]
            self._configurations.append(Configuration(trial.architecture, seed, bracket))
            self._numbers[seed] = number
            self._rungs[bracket][0].enter(number, values_of(trial, self._objectives))
        else:
            number, rungs, place = self._place(proposal)
            rungs[place].enter(number, values_of(trial, self._objectives))

    def _place(self, proposal: Proposal) -> tuple[int, list[Rung], int]:
        """The promoted configuration, the rungs of its bracket, and the index of its rung."""
        number = self._numbers[proposal.seed]  # type: ignore[index]
        bracket = self._configurations[number].bracket
        place = self._brackets[bracket].fidelities.index(proposal.fidelity)
        return number, self._rungs[bracket], place

    def _empty(self, bracket: Bracket) -> list[Rung]:
        kind = FrontRung if len(self._objectives) > 1 else Rung
        return [kind() for _ in bracket.sizes]

    def _turn(self, drawn: int) -> tuple[int, int]:
        """The bracket, and the place in it, of the architecture number `drawn`, from 0."""
        begun = [bracket.sizes[0] for bracket in self._brackets]
        place = drawn % sum(begun)
        for bracket, size in enumerate(begun):
            if place < size:
                return bracket, place
            place -= size
        raise AssertionError("the remainder is less than the sum")


def _seed(trial: Trial) -> int:
    """The seed that the trials of one configuration share."""
    return trial.seed if trial.proposal.seed is None else trial.proposal.seed
