"""Evaluations in processes of their own on this machine."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, TimeoutError
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.component import setting
from nasir.core.errors import EvaluationError
from nasir.core.executor import ExecutorFactory

if TYPE_CHECKING:
    from pebble import ProcessPool


class ProcessExecutor(Executor):
    """Spawned workers; one that dies fails its own call only and is replaced."""

    def __init__(self, pool: ProcessPool, timeout: float | None) -> None:
        self._pool = pool
        self._timeout = timeout

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        inner = self._pool.schedule(fn, args=args, kwargs=kwargs, timeout=self._timeout)
        outer: Future[Any] = Future()
        inner.add_done_callback(lambda done: self._hand_over(done, outer))
        return outer

    def _hand_over(self, inner: Future[Any], outer: Future[Any]) -> None:
        from pebble import ProcessExpired

        if inner.cancelled():
            outer.cancel()
            return
        error = inner.exception()
        if isinstance(error, ProcessExpired):
            outer.set_exception(EvaluationError(f"the worker died ({_ending(error.exitcode)})"))
        elif isinstance(error, TimeoutError):
            outer.set_exception(EvaluationError(f"stopped after {self._timeout:g} seconds"))
        elif error is not None:
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            self._pool.stop()
        else:
            self._pool.close()
        self._pool.join()


@attrs.define
class Process(ExecutorFactory):
    """Evaluates in `workers` processes; a crash or a time-out is a failed trial."""

    timeout: float | None = setting(
        None,
        "seconds after which an evaluation is stopped; none: never",
        attrs.validators.optional(attrs.validators.gt(0)),
    )

    def start(self, workers: int) -> ProcessExecutor:
        import multiprocessing

        from pebble import ProcessPool

        context = multiprocessing.get_context("spawn")
        pool = ProcessPool(max_workers=workers, context=context, initializer=_leave_interrupts)
        return ProcessExecutor(pool, self.timeout)


def _leave_interrupts() -> None:
    """Let the process that holds the run answer Ctrl-C; it ends the workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _ending(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"signal {signal.Signals(-exitcode).name}"
    return f"exit code {exitcode}"
