"""Executors with a thread for each evaluation in flight."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any


class ThreadedExecutor(Executor):
    """Each of `workers` threads waits for one evaluation, which runs in another process."""

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="nasir-worker")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._threads.submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers, after their calls or (to cancel) at once."""
        if cancel_futures:
            self._end_workers()
        self._threads.shutdown(wait=True, cancel_futures=cancel_futures)
        self._end_workers()

    @abstractmethod
    def _call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a call in a worker and return its result; raises what it raises."""

    @abstractmethod
    def _end_workers(self) -> None:
        """Kill all workers; the calls that run there end with an error. May be called twice."""
