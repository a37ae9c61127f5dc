"""Evaluations in worker processes on this machine."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import attrs

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.executor import ExecutorFactory
from nasir.executors.cards import cards_of
from nasir.executors.main_guard import refuse_without_guard
from nasir.executors.threaded import ThreadedExecutor
from nasir.executors.worker_process import WorkerProcess, can_limit_memory
from nasir.settings.machine import refuse_many_processes


class ProcessExecutor(ThreadedExecutor):
    """Spawned workers, each on a card of its own in turn; one that dies fails its own call only."""

    def __init__(self, workers: int, seconds: float | None, mebibytes: int | None = None) -> None:
        super().__init__(workers)
        self._workers = [
            WorkerProcess(seconds, mebibytes, cards=cards) for cards in cards_of(workers)
        ]
        self._free: SimpleQueue[WorkerProcess] = SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)

    def _call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        worker = self._free.get()
        try:
            return worker.call(fn, args, kwargs)
        finally:
            self._free.put(worker)

    def _end_workers(self) -> None:
        for worker in self._workers:
            worker.end()


@attrs.define
class Process(ExecutorFactory):
    """Evaluates in `workers` processes; a crash or a time-out is a failed trial."""

    timeout: float | None = setting(
        None,
        "seconds after which an evaluation is stopped; none: never",
        attrs.validators.optional(attrs.validators.gt(0)),
    )

    _mebibytes: int | None = attrs.field(init=False, default=None)

    def check(self) -> None:
        refuse_without_guard()

    def check_workers(self, workers: int) -> None:
        refuse_many_processes("workers", workers)

    def start(self, workers: int) -> ProcessExecutor:
        return ProcessExecutor(workers, self.timeout, self._mebibytes)

    def within(self, seconds: float | None, mebibytes: int | None) -> Process:
        """With the shorter of both time limits; a memory limit needs a system that shows memory."""
        if mebibytes is not None and not can_limit_memory():
            raise SettingsError(f"memory_limit={mebibytes}: it can be kept on Linux alone")
        times = [limit for limit in (seconds, self.timeout) if limit is not None]
        limited = Process(min(times, default=None))
        limited._mebibytes = mebibytes
        return limited
