"""Evaluations one after another in this process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import attrs

from nasir.core.errors import SettingsError
from nasir.core.executor import ExecutorFactory, InlineExecutor
from nasir.core.failures import TimeLimitError

REPEAT_SECONDS = 1.0
"""Seconds after which an evaluation that caught :class:`TimeLimitError` is stopped again."""

LONGEST = 1e9
"""Seconds of the longest alarm, 31 years: systems take no infinite one."""


class TimedExecutor(InlineExecutor):
    """Runs calls inline, and stops those that take longer than `seconds`.

    A call that takes longer than `seconds` is stopped by the alarm of this process, between two
    steps of Python: a single long step in C is not cut short.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(_call, self._seconds, fn, *args, **kwargs)


def _call(seconds: float, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with _time_limit(seconds):
        return fn(*args, **kwargs)


@attrs.define
class Inline(ExecutorFactory):
    """Evaluates in this process: nothing to set up, one evaluation at a time."""

    _seconds: float | None = attrs.field(init=False, default=None)

    def start(self, workers: int) -> InlineExecutor:
        if self._seconds is None:
            return InlineExecutor()
        import torch  # noqa: F401 (an interrupted import cannot be repeated)

        return TimedExecutor(self._seconds)

    def can_import(self, component: type) -> bool:
        return True

    def within(self, seconds: float | None, mebibytes: int | None) -> Inline:
        """With a limit on time, in the main thread of a process that has alarms."""
        if mebibytes is not None:
            raise SettingsError(
                f"memory_limit={mebibytes}: an evaluation in this process cannot be stopped for "
                "its memory; take executor=process"
            )
        main = threading.current_thread() is threading.main_thread()
        if seconds is not None and not (main and hasattr(signal, "setitimer")):
            raise SettingsError(
                f"time_limit={seconds:g}: an evaluation in this process can be stopped in its main "
                "thread and not on Windows; take executor=process"
            )
        limited = Inline()
        limited._seconds = seconds
        return limited


class _StoppedAgain(BaseException):
    """Stops an evaluation that has caught :class:`TimeLimitError` with all other exceptions."""


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    message = f"stopped after {seconds:g} seconds"
    error: type[BaseException] = TimeLimitError
    over = False

    def stop(*_: Any) -> None:
        nonlocal error
        if over:
            return
        signal.setitimer(signal.ITIMER_REAL, REPEAT_SECONDS)
        raised, error = error, _StoppedAgain
        raise raised(message)

    handler = signal.signal(signal.SIGALRM, stop)
    others = signal.setitimer(signal.ITIMER_REAL, min(seconds, LONGEST))
    try:
        yield
    except _StoppedAgain:
        raise TimeLimitError(message) from None
    finally:
        try:
            over = True
        finally:
            signal.setitimer(signal.ITIMER_REAL, *others)
            signal.signal(signal.SIGALRM, handler)
