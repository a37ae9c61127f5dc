"""A search in memory is the search of a run."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import pytest
from toy_plugin import WORDS, ToyEvaluator, ToySpace, ToyTask, figures

from nasir.apps.bench.simulation import simulated, simulation
from nasir.apps.search import search as api
from nasir.core.errors import NasirError
from nasir.core.evaluator import Problem
from nasir.core.executor import InlineExecutor
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.loop import Budget, Engine
from nasir.runs.run import create, writing
from nasir.settings.experiment import Experiment

DOMAIN = ToySpace().domain


@attrs.define
class Promoting(Strategy):
    """Evaluates architecture after architecture a little, and of every three the best in full.

    It waits for all three, so that it sometimes has nothing to propose.
    """

    rung: list[Trial] = attrs.field(factory=list)
    asked: int = 0

    def bind(self, problem: Problem) -> None:
        self.architectures = list(problem.space.domain)

    def ask(self) -> Proposal | None:
        if len(self.rung) == 3:
            best = max(self.rung, key=lambda trial: (trial.score is not None, trial.score))
            self.rung = []
            return Proposal(best.architecture, fidelity=1.0, seed=best.seed)
        if self.asked % 3 == 0 and self.rung:
            return None
        self.asked += 1
        return Proposal(self.architectures[self.asked % len(self.architectures)], fidelity=0.25)

    def tell(self, trial: Trial) -> None:
        if trial.proposal.fidelity < 1:
            self.rung.append(trial)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        raise AssertionError


class Picky(Problem):
    """Refuses every architecture without a skip connection."""

    def refusal(self, architecture):
        return None if architecture.choices["skip"] else "no skip"


def planned(*words: str) -> Experiment:
    (one,) = api.plan([*WORDS, *words], {})
    return one


@pytest.mark.parametrize(
    "words",
    [
        ("strategy=random",),
        ("strategy=rl", "workers=3", "executor=inline"),
        ("strategy=random+rl", "strategy.trials=4"),
        ("strategy=exhaustive", "limit=parameters<8"),
        ("strategy=evolution", "strategy.population=4", "workers=3", "executor=inline"),
        ("strategy=halving",),
        ("strategy=random", "evaluator.every=3"),
        ("strategy=random", "objective=-psnr"),
    ],
)
def test_the_trials_equal_those_of_a_run(words: tuple[str, ...]):
    words = (*words, "trials=12", "seed=4")
    one = planned(*words)
    trials = simulated(one.problem, one.strategy, 12, one.settings.workers)
    run = api.start(planned(*words))
    assert list(map(figures, trials)) == list(map(figures, run.trials))
    assert len(trials) >= 5


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("kind", [Problem, Picky])
def test_promotions_and_refusals_are_those_of_the_engine(tmp_path: Path, kind, workers: int):
    problem = kind(ToySpace(), ToyTask(), {FULL: ToyEvaluator(every=4)}, seed=3)
    run = create(tmp_path / "run", {}, {})
    with writing(run) as store:
        executor, budget = InlineExecutor(), Budget(20)
        Engine(store, problem, Promoting(), executor, budget, workers).search()
    trials = simulated(problem, Promoting(), 20, workers)
    assert list(map(figures, trials)) == list(map(figures, run.trials))
    assert {trial.proposal.fidelity for trial in trials} == {0.25, 1.0}
    assert any(trial.seed == other.seed for trial in trials for other in trials[: trial.number])
    if kind is Picky:
        assert {"beyond a limit: no skip"} <= {trial.error for trial in trials}
        assert sum(trial.seconds is not None for trial in trials) == 20


def test_trials_that_are_not_consumed_are_not_evaluated(monkeypatch):
    one = planned()
    evaluated = []
    evaluate = ToyEvaluator.evaluate

    def counted(self, proposal, problem, seed):
        evaluated.append(seed)
        return evaluate(self, proposal, problem, seed)

    monkeypatch.setattr(ToyEvaluator, "evaluate", counted)
    taken = list(islice(simulation(one.problem, one.strategy, 100), 3))
    assert evaluated == [trial.seed for trial in taken]


def test_a_strategy_whose_proposals_are_all_refused_is_stopped(monkeypatch):
    one = planned()
    monkeypatch.setattr(Problem, "refusal", lambda self, architecture: "too big")
    with pytest.raises(NasirError, match="1000 proposals in a row are beyond a limit: too big"):
        simulated(one.problem, one.strategy, 5)
