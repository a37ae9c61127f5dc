"""Failed trials: evaluated again, with less memory, or the end of the run."""

from __future__ import annotations

import json
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import attrs
import pytest
from toy_plugin import WORDS, ToySpace, ToyTask, figures, outcome

from nasir.cli.main import main
from nasir.core.errors import EvaluationError
from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.executor import InlineExecutor
from nasir.core.failures import (
    FailurePolicy,
    MemoryLimitError,
    TimeLimitError,
    TooManyFailuresError,
    WorkerDiedError,
    failure_of,
)
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.loop import Budget, Engine
from nasir.runs.run import Run, create, writing

NUMBER = {derived_seed(0, "trial", number): number for number in range(20)}


@attrs.define
class InTurn(Strategy):
    """One architecture after another."""

    received: list[Trial] = attrs.field(factory=list)
    asked: int = 0
    problem: Any = None

    def bind(self, problem: Problem) -> None:
        self.problem = problem

    def ask(self) -> Proposal | None:
        self.asked += 1
        return Proposal(self.problem.domain.decode((self.asked % 3, 0, self.asked % 2, 1)))

    def tell(self, trial: Trial) -> None:
        self.received.append(trial)

    def state_dict(self) -> dict[str, Any]:
        return {"asked": self.asked}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.asked = state["asked"]


@attrs.define
class Hungry(Evaluator):
    """Its score is its batch, unless `act` raises something."""

    act: Any
    batch: int = 8
    device: str = "cpu"

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        self.act(NUMBER[seed], self.batch)
        return Evaluation(float(self.batch))


def search(
    folder: Path,
    act: Any,
    *,
    evaluator: Evaluator | None = None,
    executor: Executor | None = None,
    trials: int = 3,
    **policy: Any,
) -> Run:
    run = Run(folder) if folder.exists() else create(folder, {}, {})
    problem = Problem(ToySpace(), ToyTask(), {FULL: evaluator or Hungry(act)})
    executor = executor or InlineExecutor()
    with writing(run) as store:
        Engine(
            store,
            problem,
            InTurn(),
            executor,
            Budget(trials),
            policy=FailurePolicy(**policy),
        ).search()
    return run


def out_of_memory(most: int) -> Any:
    """Trial 1 has memory for batches of at most `most`."""

    def act(number: int, batch: int) -> None:
        if number == 1 and batch > most:
            raise MemoryError

    return act


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (ValueError("wrong"), "error"),
        (EvaluationError("the loss is nan"), "error"),
        (TimeoutError("a server did not answer"), "error"),
        (TimeLimitError("stopped"), "time"),
        (MemoryError(), "memory"),
        (MemoryLimitError("stopped"), "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "memory"),
        (RuntimeError("CUDA error: out of memory"), "memory"),
        (WorkerDiedError("the worker died"), "worker"),
        (BrokenProcessPool(), "worker"),
    ],
)
def test_each_exception_means_a_kind_of_failure(error: Exception, failure: str):
    assert failure_of(error) == failure


def test_out_of_memory_errors_of_torch_are_memory_failures():
    import torch

    assert failure_of(torch.OutOfMemoryError("CUDA out of memory")) == "memory"
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert failure_of(caught.value) == "memory"


@pytest.mark.parametrize("failure", ["memory", "time", "worker"])
def test_number_of_attempts_limits_retries_and_plain_errors_have_one(failure: Any):
    policy = FailurePolicy(attempts=3)
    assert [policy.retries(failure, tries) for tries in (1, 2, 3)] == [True, True, False]
    assert not policy.retries("error", 1)
    assert attrs.evolve(policy, retry_errors=True).retries("error", 1)


def test_trial_out_of_memory_is_evaluated_again_with_half_the_batch(tmp_path: Path):
    run = search(tmp_path / "r", out_of_memory(4))
    assert [t.score for t in run.trials] == [8.0, 4.0, 8.0]
    assert [dict(t.metrics) for t in run.trials] == [{}, {"smaller": 1.0}, {}]
    ((number, (failed,)),) = run.failed_attempts.items()
    assert (number, failed.failure) == (1, "memory")
    assert failed.error.startswith("out of memory")
    assert failed.worker


def test_failed_attempts_are_shown_with_their_trial(tmp_path: Path, capsys):
    run = search(tmp_path / "r", out_of_memory(2), attempts=3)
    assert main(["show", str(run.folder), "--trial", "1"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:6] for line in lines if line[:1] == ["attempt"]] == [
        ["attempt", n, "failed", "out", "of", "memory:"] for n in "12"
    ]
    assert main(["show", str(run.folder), "--trial", "1", "--json"]) == 0
    tries = json.loads(capsys.readouterr().out)["failed_attempts"]
    assert [one["failure"] for one in tries] == ["memory", "memory"]


def test_batch_is_halved_once_for_each_failed_attempt(tmp_path: Path):
    assert search(tmp_path / "twice", out_of_memory(2), attempts=3).trials[1].score == 2.0
    given_up = search(tmp_path / "once", out_of_memory(2), attempts=2).trials[1]
    assert given_up.state == "failed"
    assert given_up.reason.startswith("out of memory")


def test_one_attempt_means_no_retry(tmp_path: Path):
    run = search(tmp_path / "r", out_of_memory(4), attempts=1)
    assert [t.state for t in run.trials] == ["complete", "failed", "complete"]
    assert run.failed_attempts == {}


def test_smaller_evaluator_halves_the_batch_and_then_uses_the_cpu():
    hungry = Hungry(None, batch=5, device="cuda:1")
    sizes = []
    while hungry is not None:
        sizes.append((hungry.batch, hungry.device))
        hungry = hungry.smaller()
    assert sizes == [(5, "cuda:1"), (2, "cuda:1"), (1, "cuda:1"), (1, "cpu")]


class Dies(Executor):
    """Loses the worker of trial 1 `times` times."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.calls: list[tuple[int, int]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        trial = args[0]
        self.calls.append((trial.number, trial.seed))
        if trial.number == 1 and self.left:
            self.left -= 1
            future: Future[Any] = Future()
            future.set_exception(WorkerDiedError("the worker died (signal SIGKILL)"))
            return future
        return InlineExecutor().submit(fn, *args, **kwargs)


def test_trial_of_a_dead_worker_is_evaluated_again_with_its_seed_and_number(tmp_path: Path):
    executor = Dies(1)
    run = search(tmp_path / "r", lambda number, batch: None, executor=executor)
    assert [number for number, _ in executor.calls] == [0, 1, 1, 2]
    assert executor.calls[1] == executor.calls[2]
    assert [t.score for t in run.trials] == [8.0] * 3
    assert run.trials[1].metrics == {}
    assert [f.error for f in run.failed_attempts[1]] == ["the worker died (signal SIGKILL)"]


def test_strategy_gets_the_last_attempt_only(tmp_path: Path):
    whole = search(tmp_path / "whole", lambda number, batch: None)
    run = search(tmp_path / "r", lambda number, batch: None, executor=Dies(1))
    assert list(map(figures, run.trials)) == list(map(figures, whole.trials))


def test_retry_errors_evaluates_after_plain_errors_again(tmp_path: Path):
    tried: list[int] = []

    def act(number: int, batch: int) -> None:
        tried.append(number)
        if number == 1 and tried.count(1) < 3:
            raise ValueError("a bad day")

    run = search(tmp_path / "r", act, attempts=3, retry_errors=True)
    assert tried == [0, 1, 1, 1, 2]
    assert [f.failure for f in run.failed_attempts[1]] == ["error", "error"]
    assert run.trials[1].score == 8.0


def test_attempts_before_an_interruption_count(tmp_path: Path):
    """The second attempt is interrupted; it is the second again, and as small again."""
    batches: list[int] = []

    def act(number: int, batch: int) -> None:
        if number == 1:
            batches.append(batch)
            if len(batches) == 2:
                raise KeyboardInterrupt
            if batch > 2:
                raise MemoryError

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "r", act, attempts=3)
    run = search(tmp_path / "r", act, attempts=3)
    assert batches == [8, 4, 4, 2]
    assert run.trials[1].metrics["smaller"] == 2
    assert len(run.failed_attempts[1]) == 2


def failing(*numbers: int) -> Any:
    def act(number: int, batch: int) -> None:
        if number in numbers:
            raise ValueError("made to fail")

    return act


def test_too_many_failures_in_a_row_end_the_search(tmp_path: Path):
    refusal = pytest.raises(
        TooManyFailuresError, match=r"2 trials in a row failed, trial 4 with: ValueError: made to"
    )
    with refusal:
        search(tmp_path / "r", failing(1, 3, 4, 5), stop_after=2, trials=9)
    assert [t.number for t in Run(tmp_path / "r").trials] == [0, 1, 2, 3, 4]


def test_search_that_was_given_up_continues_with_the_same_trials(tmp_path: Path):
    bad = failing(1, 3, 4)
    whole = search(tmp_path / "whole", bad, trials=6)
    with pytest.raises(TooManyFailuresError):
        search(tmp_path / "r", bad, stop_after=2, trials=6)
    run = search(tmp_path / "r", bad, stop_after=2, trials=6)
    assert list(map(figures, run.trials)) == list(map(figures, whole.trials))


def test_run_that_is_given_up_stops_with_one_line_and_exit_code_1(capsys, caplog):
    words = [*WORDS, "trials=12", "evaluator.every=1", "stop_after=3", "name=bad"]
    assert main(["run", "--quiet", *words]) == 1
    run = Run("runs/bad")
    assert run.state == "stopped"
    assert len(run.trials) == 3
    assert "3 trials in a row failed, trial 2 with: ValueError: made to fail" in (run.reason or "")
    assert "continue with: nasir resume runs/bad" in caplog.text
    capsys.readouterr()
    assert main(["show", "runs/bad"]) == 0
    assert "stopped  3 trials in a row failed, trial 2 with: " in capsys.readouterr().out
    assert main(["report", "runs/bad"]) == 0
    assert "3 trials in a row failed" in Path("runs/bad/report.html").read_text()
    settings = run.folder / "settings.toml"
    settings.write_text(settings.read_text().replace("every = 1", "every = 0"))
    assert main(["resume", "--quiet", str(run.folder)]) == 0
    assert run.state == "finished"
    assert run.reason is None
    assert len(run.trials) == 12


def test_final_evaluation_is_retried_too(toy, monkeypatch):
    from nasir.apps.search import final_evaluation as finals
    from nasir.engine import evaluation

    calls: list[int] = []

    def once_without_memory(*args: Any) -> Any:
        calls.append(args[-1])
        if len(calls) == 1:
            raise MemoryError
        return evaluation.evaluate_trial(*args)

    whole = toy()
    monkeypatch.setattr(finals, "evaluate_trial", once_without_memory)
    assert outcome(toy()) == outcome(whole)
    assert calls == [0, 1, 0]
