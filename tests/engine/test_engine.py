"""The loop: ask, evaluate, store, tell."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from toy_plugin import ToyEvaluator, ToySpace, ToyTask, figures

from nasir.core.errors import EvaluationError
from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.executor import InlineExecutor
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.loop import Budget, Engine
from nasir.runs.run import Run, create, writing
from nasir.runs.store import RunStore

NUMBER = {derived_seed(0, "trial", number): number for number in range(100)}
"""The number of the trial with a seed, in a run of seed 0."""


@attrs.define
class InTurn(Strategy):
    """Proposes architecture after architecture, and logs calls of `ask` and `tell`."""

    ends_after: int | None = None
    waits: bool = False
    log: list[str] = attrs.field(factory=list)
    finished: list[Trial] = attrs.field(factory=list)
    asked: int = 0
    problem: Any = None

    def bind(self, problem: Problem) -> None:
        self.problem = problem

    def ask(self) -> Proposal | None:
        if self.asked == self.ends_after or (self.waits and self.asked > len(self.finished)):
            self.log.append("none")
            return None
        self.log.append(f"ask {self.asked}")
        self.asked += 1
        return Proposal(self.problem.domain.decode((self.asked, 0, self.asked, 1)))

    def tell(self, trial: Trial) -> None:
        self.log.append(f"tell {trial.number}")
        self.finished.append(trial)

    def state_dict(self) -> dict[str, Any]:
        return {"asked": self.asked}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.asked = state["asked"]


@attrs.define
class Scripted(Evaluator):
    """The score of each trial is `act` of its number."""

    act: Any

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        return Evaluation(self.act(NUMBER[seed]))


@attrs.define
class Heard:
    """What the hooks were called with."""

    hooks: list[str] = attrs.field(factory=list)

    def __call__(self, hook: str, trial: Any = None, name: str = "") -> None:
        about = trial.number if trial is not None and not name else name
        self.hooks.append(f"{hook} {about}".strip())


@attrs.define(slots=False)
class Searched:
    """A search that is over."""

    strategy: InTurn
    trials: list[Trial]
    progress: dict[str, Any]
    heard: Any


def search(
    folder: Path,
    act: Any = float,
    *,
    executor: Executor | None = None,
    budget: Budget | None = None,
    workers: int = 1,
    strategy: Strategy | None = None,
    heard: Any = None,
) -> Searched:
    run = Run(folder) if folder.exists() else create(folder, {}, {})
    problem = Problem(ToySpace(), ToyTask(), {FULL: Scripted(act)})
    strategy, heard = strategy or InTurn(), heard or Heard()
    with writing(run) as store:
        Engine(
            store,
            problem,
            strategy,
            executor or InlineExecutor(),
            budget or Budget(8),
            workers,
            notify=heard,
        ).search()
    return Searched(strategy, run.trials, run.progress, heard)


@contextmanager
def threads(workers: int) -> Iterator[Executor]:
    with ThreadPoolExecutor(workers) as executor:
        yield executor


def test_one_worker_asks_and_tells_in_turn(tmp_path: Path):
    done = search(tmp_path / "r", budget=Budget(3))
    assert done.strategy.log == ["ask 0", "tell 0", "ask 1", "tell 1", "ask 2", "tell 2"]
    assert [t.number for t in done.trials] == [0, 1, 2]
    assert [t.score for t in done.trials] == [0.0, 1.0, 2.0]


def test_next_proposal_is_asked_for_after_the_oldest_trial_in_flight(tmp_path: Path):
    done = search(tmp_path / "r", budget=Budget(5), workers=3)
    log = [
        "ask 0",
        "ask 1",
        "ask 2",
        "tell 0",
        "ask 3",
        "tell 1",
        "ask 4",
        "tell 2",
        "tell 3",
        "tell 4",
    ]
    assert done.strategy.log == log


@pytest.mark.parametrize("slow", [(0, 3, 6), (1, 2, 7), (0, 1, 2, 3)])
def test_order_in_which_evaluations_end_changes_nothing(tmp_path: Path, slow: tuple[int, ...]):
    def act(number: int) -> float:
        time.sleep(0.08 if number in slow else 0.0)
        return float(number)

    expected = search(tmp_path / "inline", budget=Budget(10), workers=3)
    with threads(3) as executor:
        done = search(tmp_path / "threads", act, executor=executor, budget=Budget(10), workers=3)
    assert done.strategy.log == expected.strategy.log
    assert list(map(figures, done.trials)) == list(map(figures, expected.trials))


def test_no_more_than_the_workers_are_in_flight_and_all_are_used(tmp_path: Path):
    flying: set[int] = set()
    most: list[int] = []

    def act(number: int) -> float:
        flying.add(number)
        most.append(len(flying))
        time.sleep(0.02)
        flying.remove(number)
        return 1.0

    with threads(8) as executor:
        search(tmp_path / "r", act, executor=executor, budget=Budget(12), workers=3)
    assert max(most) == 3


def test_trial_is_stored_when_it_ends_before_the_strategy_gets_it(tmp_path: Path):
    seen: list[list[str]] = []

    def act(number: int) -> float:
        if number == 0:
            store = RunStore(tmp_path / "r" / "run.sqlite")
            while len(seen) < 200 and (not seen or seen[-1][1] == "running"):
                time.sleep(0.01)
                seen.append([t.state for t in store.trials()])
            store.close()
        return 1.0

    with threads(2) as executor:
        done = search(tmp_path / "r", act, executor=executor, budget=Budget(4), workers=2)
    assert seen[-1] == ["running", "complete"]
    assert done.strategy.log[:4] == ["ask 0", "ask 1", "tell 0", "ask 2"]


def test_each_trial_has_the_seed_of_the_run_and_its_number(tmp_path: Path):
    trials = search(tmp_path / "r", budget=Budget(4)).trials
    assert [t.seed for t in trials] == [derived_seed(0, "trial", n) for n in range(4)]


def raising(error: BaseException) -> Any:
    def act(number: int) -> float:
        if number == 1:
            raise error
        return float(number)

    return act


class OutOfMemoryError(RuntimeError):
    """Called as torch's is."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("two\n  lines"), "ValueError: two lines"),
        (EvaluationError("the loss is nan"), "the loss is nan"),
        (SystemExit(3), "SystemExit: 3"),
        (MemoryError(), "out of memory"),
        (OutOfMemoryError("CUDA"), "out of memory"),
        (RecursionError("deep"), "RecursionError: deep"),
        (ValueError("no picture: \udcff.png"), "ValueError: no picture"),
        (ZeroDivisionError(), "ZeroDivisionError"),
    ],
)
def test_an_evaluation_that_raises_is_a_failed_trial_with_its_reason(
    tmp_path: Path, error: BaseException, reason: str
):
    done = search(tmp_path / "r", raising(error), budget=Budget(3))
    assert [t.state for t in done.trials] == ["complete", "failed", "complete"]
    failed = done.trials[1]
    assert failed.score is None
    assert failed.reason.startswith(reason)
    assert failed.started
    assert failed.worker
    assert [t.state for t in done.strategy.finished] == ["complete", "failed", "complete"]
    assert "Traceback" not in failed.reason


@pytest.mark.parametrize(
    "score", [float("nan"), float("inf"), -float("inf"), None, "high", 10**400]
)
def test_score_that_is_not_finite_fails_the_trial(tmp_path: Path, score: Any):
    done = search(tmp_path / "r", lambda number: score, budget=Budget(1))
    assert done.trials[0].state == "failed"
    assert done.trials[0].score is None
    assert done.trials[0].reason


@attrs.define
class NoEvaluation(Evaluator):
    """Returns what is no evaluation, or one with metrics that are no numbers."""

    result: Any

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Any:
        return self.result


@pytest.mark.parametrize(
    "result", [None, 3.0, Evaluation(1.0, {"note": "good"}), Evaluation(1.0, {"note": None})]
)
def test_evaluator_that_returns_no_evaluation_makes_failed_trials(tmp_path: Path, result: Any):
    run = create(tmp_path / "r", {}, {})
    problem = Problem(ToySpace(), ToyTask(), {FULL: NoEvaluation(result)})
    with writing(run) as store:
        Engine(store, problem, InTurn(), InlineExecutor(), Budget(2)).search()
    assert [t.state for t in run.trials] == ["failed", "failed"]


class Dying(Executor):
    """An executor whose workers die."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(EvaluationError("the worker died (signal SIGKILL)"))
        return future


def test_a_worker_that_dies_is_a_failed_trial(tmp_path: Path):
    done = search(tmp_path / "r", executor=Dying(), budget=Budget(2))
    assert [t.reason for t in done.trials] == ["the worker died (signal SIGKILL)"] * 2


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_strategy_without_further_proposals_ends_the_search(tmp_path: Path, workers: int):
    done = search(tmp_path / "r", workers=workers, strategy=InTurn(ends_after=4))
    assert [t.state for t in done.trials] == ["complete"] * 4


def test_a_strategy_that_waits_is_asked_again_after_each_tell(tmp_path: Path):
    done = search(tmp_path / "r", budget=Budget(3), workers=3, strategy=InTurn(waits=True))
    log = [entry for entry in done.strategy.log if entry != "none"]
    assert log == ["ask 0", "tell 0", "ask 1", "tell 1", "ask 2", "tell 2"]


def test_a_strategy_without_any_proposal_leaves_a_run_without_trials(tmp_path: Path):
    assert search(tmp_path / "r", strategy=InTurn(ends_after=0)).trials == []


def test_the_time_limit_ends_the_search_after_what_is_in_flight(tmp_path: Path):
    def act(number: int) -> float:
        time.sleep(0.02)
        return 1.0

    done = search(tmp_path / "r", act, budget=Budget(99, seconds=0.1), workers=2)
    assert 2 <= len(done.trials) < 99
    assert {t.state for t in done.trials} == {"complete"}
    again = search(tmp_path / "r", act, budget=Budget(99, seconds=0.1), workers=2)
    assert len(again.trials) == len(done.trials)
    assert again.progress["seconds"] >= done.progress["seconds"]


def test_time_budget_of_zero_evaluates_nothing(tmp_path: Path):
    assert search(tmp_path / "r", budget=Budget(9, seconds=0)).trials == []


def test_hooks_are_called_in_order(tmp_path: Path):
    hooks = search(tmp_path / "r", budget=Budget(3), workers=2).heard.hooks
    assert hooks == [
        "trial_started 0",
        "trial_started 1",
        "trial_finished 0",
        "trial_finished 1",
        "trial_started 2",
        "trial_finished 2",
    ]


def test_a_trial_is_stored_when_its_hook_is_called(tmp_path: Path):
    seen: list[str] = []

    def notify(hook: str, trial: Trial) -> None:
        seen.append(f"{hook} {run.trials[trial.number].state}")

    run = create(tmp_path / "r", {}, {})
    problem = Problem(ToySpace(), ToyTask(), {FULL: ToyEvaluator()})
    with writing(run) as store:
        Engine(store, problem, InTurn(), InlineExecutor(), Budget(1), notify=notify).search()
    assert seen == ["trial_started running", "trial_finished complete"]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("stopped_at", range(6))
def test_interrupted_search_continues_with_the_same_trials(
    tmp_path: Path, workers: int, stopped_at: int
):
    whole = search(tmp_path / "whole", workers=workers)

    def act(number: int) -> float:
        if number == stopped_at:
            raise KeyboardInterrupt
        return float(number)

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "broken", act, workers=workers)
    done = search(tmp_path / "broken", workers=workers)
    assert list(map(figures, done.trials)) == list(map(figures, whole.trials))


def test_ended_trials_are_not_evaluated_again_after_an_interruption(tmp_path: Path):
    evaluated: list[int] = []

    def act(number: int) -> float:
        evaluated.append(number)
        time.sleep(0.2 if number == 0 else 0.0)
        return float(number)

    def stop(hook: str, **arguments: Any) -> None:
        if hook == "trial_finished":
            raise KeyboardInterrupt

    with threads(2) as executor, pytest.raises(KeyboardInterrupt):
        search(tmp_path / "r", act, executor=executor, workers=2, heard=stop)
    assert evaluated == [0, 1]
    done = search(tmp_path / "r", act, budget=Budget(4), workers=2)
    assert evaluated == [0, 1, 0, 2, 3]
    assert done.strategy.log == ["tell 0", "ask 2", "tell 1", "ask 3", "tell 2", "tell 3"]
    assert [t.score for t in done.trials] == [0.0, 1.0, 2.0, 3.0]
