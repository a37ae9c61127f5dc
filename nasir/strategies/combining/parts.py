"""What a strategy has to do with those that it holds."""

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
    """Holds strategies, each of which searches as if alone.

    Each has a seed of its own, stages of its own (``0.proxy`` is the stage ``proxy`` of the first)
    and its own folder for unfinished work; the full stage is common to all. A subclass says in
    :meth:`ask` whose turn it is, and notes each proposal's owner by :meth:`_proposed`.
    """

    _held: list[Strategy] = attrs.field(init=False, factory=list)
    _owners: list[int] = attrs.field(init=False, factory=list)

    @property
    @abstractmethod
    def held(self) -> tuple[Strategy, ...]:
        """The strategies that are held."""

    @property
    def split(self) -> Split:  # type: ignore[override]
        """The pictures that all of the strategies are judged on."""
        splits = {part.split: name_of(part) for part in self.held}
        if len(splits) > 1:
            raise SettingsError(
                f"strategy {splits['test']} searches on the test pictures without ground truth, "
                f"and {splits['search']} on others with it: they cannot be combined"
            )
        return next(iter(splits))

    @property
    def looks_at(self) -> frozenset[str]:  # type: ignore[override]
        """The stages whose pictures any of the strategies looks at."""
        return frozenset(
            outward(stage, place) for place, part in enumerate(self.held) for stage in part.looks_at
        )

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        if not self.held:
            raise SettingsError(
                "a combination of no strategies searches nothing: write strategy=a+b for a chain, "
                "or strategy.parts=a,b"
            )
        return {
            outward(stage, place): Apart(evaluator, stage, place)
            for place, part in enumerate(self.held)
            for stage, evaluator in part.stages(full).items()
        }

    def bind(self, problem: Problem) -> None:
        self._held = [_fresh(part) for part in self.held]
        for place, strategy in enumerate(self._held):
            strategy.bind(_inside(problem, place))

    def state_dict(self) -> dict[str, Any]:
        return {
            "owners": list(self._owners),
            "held": [strategy.state_dict() for strategy in self._held],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._owners = list(state["owners"])
        for strategy, its in zip(self._held, state["held"], strict=True):
            strategy.load_state_dict(its)

    def _proposed(self, place: int) -> Proposal | None:
        """What the strategy at `place` proposes, which is then in flight."""
        proposal = self._held[place].ask()
        if proposal is None:
            return None
        self._owners.append(place)
        return attrs.evolve(proposal, stage=outward(proposal.stage, place))

    def _tell_owner(self, trial: Trial) -> int:
        """Tell the trial to the strategy that proposed it; returns the place of that."""
        place = self._owners.pop(0)
        self._held[place].tell(inward(trial, place))
        return place


@attrs.define
class Apart(Evaluator):
    """An evaluator as the held strategy at `place` has it for its stage `stage`."""

    evaluator: Evaluator
    stage: str
    place: int

    @property
    def restores(self) -> bool:  # type: ignore[override]
        return self.evaluator.restores

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        own = attrs.evolve(proposal, stage=self.stage)
        return self.evaluator.evaluate(own, _inside(problem, self.place), seed)

    def check(self, problem: Problem) -> None:
        self.evaluator.check(_inside(problem, self.place))

    def smaller(self) -> Apart | None:
        less = self.evaluator.smaller()
        return None if less is None else attrs.evolve(self, evaluator=less)


def _fresh(strategy: Strategy) -> Strategy:
    """A strategy with the same settings, which has seen nothing."""
    settings: Any = strategy
    fresh: Strategy = attrs.evolve(settings)
    return fresh


def inward(trial: Trial, place: int) -> Trial:
    """A trial as the strategy at `place` proposed it."""
    stage = trial.proposal.stage.removeprefix(outward("", place))
    return attrs.evolve(trial, proposal=attrs.evolve(trial.proposal, stage=stage))


def learnable(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that any strategy can learn from: complete ones of the full stage."""
    return [t for t in trials if t.state == "complete" and t.proposal.stage == FULL]


def outward(stage: str, place: int) -> str:
    return stage if stage == FULL else f"{place}.{stage}"


def _inside(problem: Problem, place: int) -> Problem:
    """The problem as the strategy at `place` sees it."""
    mark = outward("", place)
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
    return evaluator.evaluator if isinstance(evaluator, Apart) else evaluator
