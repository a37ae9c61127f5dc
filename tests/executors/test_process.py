"""Worker processes: the same trials as in this process, and a dead worker is one failed trial."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
from processes import alive, begin, complete, wait_until
from toy_plugin import WORDS, ToyEvaluator, ToySpace, ToyTask, figures, make_trouble

import nasir
from nasir.core.errors import EvaluationError
from nasir.core.evaluator import Problem
from nasir.core.failures import WorkerDiedError
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.evaluation import evaluate_trial
from nasir.executors import worker_process
from nasir.executors.process import Process
from nasir.executors.worker_loop import numbered
from nasir.executors.worker_process import WorkerProcess
from nasir.runs.run import Run

ENOUGH = 60
"""Seconds after which a call that has not ended never will."""


def trials(run: Run) -> list[Any]:
    return list(map(figures, run.trials))


@pytest.fixture
def start(workers_of_a_server: None) -> Iterator[Callable[..., Executor]]:
    """Starts executors, and ends them with whatever still runs."""
    started: list[Executor] = []

    def starting(workers: int = 1, **settings: Any) -> Executor:
        started.append(Process(**settings).start(workers))
        return started[-1]

    yield starting
    for executor in started:
        executor.shutdown(wait=False, cancel_futures=True)


def test_two_workers_make_the_same_trials_as_none(toy, workers_of_a_server):
    """Failed ones too."""
    words = ("trials=10", "evaluator.every=3", "evaluator.sleep=0.01")
    inline, parallel = toy(*words), toy(*words, "workers=2")
    assert parallel.settings["executor"]["name"] == "process"
    assert trials(parallel) == trials(inline)
    assert {t.state for t in parallel.trials} == {"complete", "failed"}
    assert parallel.final_evaluations.keys() == inline.final_evaluations.keys()
    pids = {t.worker.rpartition(":")[2] for t in parallel.trials}
    assert pids
    assert str(os.getpid()) not in pids


def test_a_worker_that_is_killed_is_one_failed_trial(toy, workers_of_a_server):
    """Seed 5: of six trials, the fourth has a seed that 7 divides."""
    words = ("seed=5", "evaluator.every=7")
    inline = toy(*words)
    (number,) = [t.number for t in inline.trials if t.state == "failed"]
    run = toy(*words, "workers=2", "evaluator.trouble=kill")
    assert run.trials[number].reason == "the worker died (signal SIGKILL)"
    others = [figures(t) for t in run.trials if t.number != number]
    assert others == [figures(t) for t in inline.trials if t.number != number]
    assert run.state == "finished"


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("crash", r"worker died \(exit code 3\)"),
        ("kill", r"worker died \(signal SIGKILL\)"),
        ("exit_code_0", "worker died"),
        (40, r"worker died \(signal 40\)"),  # which has no name
    ],
)
def test_a_call_whose_worker_dies_ends_and_the_next_is_done(start, trouble: str | int, reason: str):
    executor = start()
    named = isinstance(trouble, str)
    dying = executor.submit(make_trouble if named else _end_by, trouble)
    with pytest.raises(EvaluationError, match=reason):
        dying.result(ENOUGH / 4)
    assert executor.submit(abs, -3).result(ENOUGH) == 3


def test_a_worker_that_dies_takes_no_other_call_with_it(start):
    executor = start(2)
    sleeping = executor.submit(time.sleep, 1.0)
    dying = [executor.submit(make_trouble, "crash") for _ in range(3)]
    for call in dying:
        with pytest.raises(EvaluationError):
            call.result(ENOUGH)
    assert sleeping.result(ENOUGH) is None


@pytest.mark.parametrize("seconds", [30 * 24 * 3600.0, 1e300, float("inf")])
def test_a_time_limit_of_any_length_can_be_waited_for(start, seconds: float):
    """The system waits for at most 2^31 ms, 24.8 days, at a time."""
    executor = start(timeout=seconds)
    assert [executor.submit(abs, number).result(ENOUGH) for number in (-1, -2)] == [1, 2]


def test_an_answer_that_was_not_read_is_none_to_the_next_call(start, monkeypatch):
    """Whatever goes wrong between call and answer, the worker is ended with its late answer."""
    executor = start()
    pid = executor.submit(os.getpid).result(ENOUGH)
    receive = WorkerProcess._receive_within_limits

    def interrupted(worker: WorkerProcess, connection: object) -> bytes:
        monkeypatch.setattr(WorkerProcess, "_receive_within_limits", receive)
        raise OverflowError("a fault of ours")

    monkeypatch.setattr(WorkerProcess, "_receive_within_limits", interrupted)
    with pytest.raises(OverflowError):
        executor.submit(abs, -1).result(ENOUGH)
    assert executor.submit(abs, -2).result(ENOUGH) == 2
    assert executor.submit(os.getpid).result(ENOUGH) != pid


def test_an_answer_to_another_call_is_refused(start, monkeypatch):
    executor = start()
    assert executor.submit(abs, -1).result(ENOUGH) == 1
    monkeypatch.setattr(worker_process, "numbered", lambda call, content: numbered(7, content))
    with pytest.raises(WorkerDiedError, match="answered call 7 where call 2 was asked"):
        executor.submit(abs, -2).result(ENOUGH)
    monkeypatch.undo()
    assert executor.submit(abs, -3).result(ENOUGH) == 3


def _end_by(number: int) -> None:
    os.kill(os.getpid(), number)


def test_starting_a_worker_does_not_count_as_time_of_an_evaluation(start):
    """Importing torch alone takes longer on a slow machine, in every new worker again."""
    problem = Problem(ToySpace(), ToyTask(), {FULL: ToyEvaluator()})
    trial = Trial(0, Proposal(ToySpace().reference()["smallest"]), 1)
    outcome = start(timeout=0.5).submit(evaluate_trial, trial, problem, 1).result(ENOUGH)
    assert outcome.trial.state == "complete"


class NotThere:
    """Pickled here, but no worker can read it: like a class of a notebook."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _only_in, (os.getpid(),)


def _only_in(pid: int) -> None:
    if os.getpid() != pid:
        raise ModuleNotFoundError("no module named '__main__.Toy'")


def test_a_call_that_fails_fails_alone(start):
    """What it raises comes back; what cannot be sent, read or sent back is an error of its own."""
    executor = start()
    for call, argument, reason in (
        (make_trouble, "error", "made to fail"),
        (repr, lambda: None, "pickle"),
        (repr, NotThere(), "no module named"),
        (_unpicklable, None, "pickle"),
    ):
        with pytest.raises(Exception, match=reason) as caught:
            executor.submit(call, argument).result(ENOUGH / 4)
        assert not isinstance(caught.value, TimeoutError)
        assert executor.submit(abs, -3).result(ENOUGH / 4) == 3


def _unpicklable(_: Any) -> Any:
    return lambda: None


def test_a_worker_that_cannot_be_started_fails_its_call(monkeypatch):
    def refuse(process: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", refuse)
    executor = Process().start(1)
    with pytest.raises(EvaluationError, match="Cannot allocate memory"):
        executor.submit(abs, -3).result(ENOUGH)
    executor.shutdown(wait=False, cancel_futures=True)


def test_a_call_may_start_processes_of_its_own(start):
    """Torch's loaders of training pictures do."""
    assert start().submit(_exit_code_of_a_child).result(ENOUGH) == 0


def _exit_code_of_a_child() -> int | None:
    child = multiprocessing.get_context("fork").Process(target=abs, args=(-3,))
    child.start()
    child.join()
    return child.exitcode


def test_a_run_with_workers_survives_kill_and_ctrl_c_with_the_same_trials(toy):
    """Two workers asleep in an evaluation end with the process that holds the run."""
    expected = toy("trials=40")
    folder = Path("runs/broken")
    words = ("trials=40", "evaluator.sleep=0.2", "workers=2", "name=broken")
    running = begin("run", "--quiet", *WORDS, *words)
    wait_until(lambda: complete(folder) >= 2)
    running.kill()
    running.communicate(timeout=ENOUGH)
    workers = {int(t.worker.rpartition(":")[2]) for t in Run(folder).trials if t.worker}
    wait_until(lambda: not any(map(alive, workers)))

    settings = folder / "settings.toml"
    settings.write_text(settings.read_text().replace("workers = 2", "workers = 1"))
    before = complete(folder)
    running = begin("resume", "--quiet", str(folder))
    wait_until(lambda: complete(folder) >= before + 2)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=ENOUGH)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert (folder / "best" / "architecture.json").is_file()
    assert Run(folder).state == "interrupted"

    text = settings.read_text().replace('"process"', '"inline"').replace("sleep = 0.2", "sleep = 0")
    settings.write_text(text)
    assert trials(nasir.resume(folder)) == trials(expected)
