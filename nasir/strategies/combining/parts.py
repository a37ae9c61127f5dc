"""The base of strategies that consist of strategies."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.task import Split
from nasir.core.trial import FULL, Proposal, Trial
from nasir.settings.interfaces import name_of


@attrs.define
class Combining(Strategy):
    """Consists of strategies, each of which searches as if it were alone.

    Each has a seed of its own, stages of its own (``0.proxy`` is the stage ``proxy`` of the first)
    and a folder of its own for checkpoints; the full stage is common to all. A subclass chooses
    in :meth:`ask` whose turn it is, and calls :meth:`_ask_part`, which records the owner.
    """

    _bound: list[Strategy] = attrs.field(init=False, factory=list)
    _owners: list[int] = attrs.field(init=False, factory=list)

    @property
    @abstractmethod
    def strategies(self) -> tuple[Strategy, ...]:
        """The strategies of which this one consists, as they are set."""

    @property
    def split(self) -> Split:  # type: ignore[override]
        """The pictures that all of the strategies are evaluated on."""
        splits = {part.split: name_of(part) for part in self.strategies}
        if len(splits) > 1:
            raise SettingsError(
                f"strategy {splits['test']} searches on the test pictures without ground truth, "
                f"and {splits['search']} on others with it: they cannot be combined"
            )
        return next(iter(splits))

    @property
    def looks_at(self) -> frozenset[str]:  # type: ignore[override]
        """The stages whose pictures any of the strategies uses."""
        return frozenset(
            outer_stage(stage, place)
            for place, part in enumerate(self.strategies)
            for stage in part.looks_at
        )

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        if not self.strategies:
            raise SettingsError(
                "a combination of no strategies searches nothing: write strategy=a+b for a chain, "
                "or strategy.parts=a,b"
            )
        return {
            outer_stage(stage, place): PartEvaluator(evaluator, stage, place)
            for place, part in enumerate(self.strategies)
            for stage, evaluator in part.stages(full).items()
        }

    def bind(self, problem: Problem) -> None:
        self._bound = [_fresh(part) for part in self.strategies]
        for place, strategy in enumerate(self._bound):
            strategy.bind(_inner_problem(problem, place))

    def state_dict(self) -> dict[str, Any]:
        return {
            "owners": list(self._owners),
            "held": [strategy.state_dict() for strategy in self._bound],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._owners = list(state["owners"])
        for strategy, its in zip(self._bound, state["held"], strict=True):
            strategy.load_state_dict(its)

    def _ask_part(self, place: int) -> Proposal | None:
        """The next proposal of the strategy at `place`, which owns it from now on."""
        proposal = self._bound[place].ask()
        if proposal is None:
            return None
        self._owners.append(place)
        return attrs.evolve(proposal, stage=outer_stage(proposal.stage, place))

    def _tell_owner(self, trial: Trial) -> int:
        """Pass the trial to the strategy that proposed it; returns the place of that."""
        place = self._owners.pop(0)
        self._bound[place].tell(inner_trial(trial, place))
        return place


@attrs.define
class PartEvaluator(Evaluator):
    """The evaluator of stage `stage` of the strategy at `place`."""

    evaluator: Evaluator
    stage: str
    place: int

    @property
    def restores(self) -> bool:  # type: ignore[override]
        return self.evaluator.restores

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        own = attrs.evolve(proposal, stage=self.stage)
        return self.evaluator.evaluate(own, _inner_problem(problem, self.place), seed)

    def check(self, problem: Problem) -> None:
        self.evaluator.check(_inner_problem(problem, self.place))

    def smaller(self) -> PartEvaluator | None:
        less = self.evaluator.smaller()
        return None if less is None else attrs.evolve(self, evaluator=less)


def _fresh(strategy: Strategy) -> Strategy:
    """A strategy with the same settings and no state."""
    settings: Any = strategy
    fresh: Strategy = attrs.evolve(settings)
    return fresh


def inner_trial(trial: Trial, place: int) -> Trial:
    """A trial as the strategy at `place` proposed it."""
    stage = trial.proposal.stage.removeprefix(outer_stage("", place))
    return attrs.evolve(trial, proposal=attrs.evolve(trial.proposal, stage=stage))


def learnable(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that every strategy can learn from: complete ones of the full stage."""
    return [t for t in trials if t.state == "complete" and t.proposal.stage == FULL]


def outer_stage(stage: str, place: int) -> str:
    return stage if stage == FULL else f"{place}.{stage}"


def _inner_problem(problem: Problem, place: int) -> Problem:
    """The problem as the strategy at `place` sees it."""
    mark = outer_stage("", place)
    evaluators = {
        stage.removeprefix(mark): _unwrapped(evaluator)
        for stage, evaluator in problem.evaluators.items()
        if stage == FULL or stage.startswith(mark)
    }
    folder: Path | None = problem.checkpoints
    return attrs.evolve(
        problem,
        evaluators=evaluators,
        seed=derived_seed(problem.seed, "part", place),
        checkpoints=folder and folder / f"part{place}",
    )


def _unwrapped(evaluator: Evaluator) -> Evaluator:
    return evaluator.evaluator if isinstance(evaluator, PartEvaluator) else evaluator
