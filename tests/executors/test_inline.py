"""Limits on one evaluation: enforced, or refused."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

from nasir.core.errors import SettingsError
from nasir.core.executor import ExecutorFactory
from nasir.core.failures import MemoryLimitError, TimeLimitError
from nasir.executors.inline import Inline
from nasir.executors.process import Process

ENOUGH = 140


def test_an_evaluation_in_this_process_is_stopped_in_time(toy):
    began = time.monotonic()
    run = toy("executor=inline", "time_limit=0.2", "evaluator.sleep=30", "trials=1", "attempts=1")
    assert time.monotonic() - began < 20
    assert run.trials[0].reason == "stopped after 0.2 seconds"
    assert run.trials[0].seconds < 10


def test_an_evaluation_that_catches_all_errors_is_stopped():
    def stubborn() -> None:
        while True:
            with suppress(Exception):
                time.sleep(30)

    executor = Inline().within(0.2, None).start(1)
    stopped = executor.submit(stubborn).exception()
    assert (type(stopped), str(stopped)) == (TimeLimitError, "stopped after 0.2 seconds")
    assert executor.submit(abs, -3).result() == 3


def test_an_evaluation_within_its_limit_is_unchanged(toy):
    limited = toy("executor=inline", "time_limit=30")
    assert [t.score for t in limited.trials] == [t.score for t in toy().trials]


@pytest.mark.parametrize("seconds", [1e300, float("inf")])
def test_a_time_limit_of_any_length_can_be_set(seconds: float):
    assert Inline().within(seconds, None).start(1).submit(abs, -1).result() == 1


def test_the_alarm_of_others_continues():
    """That of this very test, by pytest-timeout, for one."""
    rings: list[int] = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rings.append(1))
    others = signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        executor = Inline().within(5, None).start(1)
        assert executor.submit(abs, -3).result() == 3
        time.sleep(0.6)
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *others)
    assert rings == [1]


def test_limits_that_cannot_be_enforced_in_this_process_are_refused(toy):
    with pytest.raises(SettingsError, match=r"memory_limit=500: .*executor=process"):
        toy("executor=inline", "memory_limit=500")
    with ThreadPoolExecutor(1) as thread, pytest.raises(SettingsError, match="executor=process"):
        thread.submit(Inline().within, 1.0, None).result()


def test_an_executor_without_limits_refuses_them():
    class Unlimited(ExecutorFactory):
        def start(self, workers):
            raise AssertionError

    executor = Unlimited()
    assert executor.within(None, None) is executor
    for limits in ((1.0, None), (None, 100)):
        with pytest.raises(SettingsError, match="take another one"):
            executor.within(*limits)


def test_a_limit_chooses_an_executor_that_enforces_it():
    from toy_plugin import WORDS

    from nasir.apps.search.search import plan

    names = [
        plan([*WORDS, *more], {})[0].names["executor"]
        for more in ((), ("time_limit=9",), ("memory_limit=900",), ("time_limit=none",))
    ]
    assert names == ["inline", "process", "process", "inline"]


def hoard(mebibytes: int) -> float:
    taken = np.ones(mebibytes * 2**17)
    time.sleep(ENOUGH)
    return float(taken[0])


@pytest.mark.parametrize(
    ("limits", "call", "error", "reason"),
    [
        ((120.0, 600), (hoard, 600), MemoryLimitError, r"MiB of memory, with memory_limit=600"),
        ((1.0, None), (time.sleep, 60), TimeLimitError, "stopped after 1 seconds"),
    ],
)
def test_a_call_beyond_a_limit_is_stopped_and_the_next_is_done(
    workers_of_a_server, limits, call, error, reason: str
):
    executor = Process(timeout=100.0).within(*limits).start(1)
    try:
        with pytest.raises(error, match=reason):
            executor.submit(*call).result(ENOUGH)
        assert executor.submit(abs, -3).result(ENOUGH) == 3
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def test_the_shorter_of_two_time_limits_holds():
    for own, given in ((0.5, None), (30.0, 0.5), (0.5, 30.0), (None, 0.5)):
        assert Process(timeout=own).within(given, None).timeout == 0.5
    assert Process().within(None, None).timeout is None
