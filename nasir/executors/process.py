"""Evaluations in processes of their own on this machine."""

from __future__ import annotations

import pickle
import signal
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from threading import Lock
from typing import Any

import attrs

from nasir.core.component import setting
from nasir.core.errors import EvaluationError, SettingsError
from nasir.core.executor import ExecutorFactory
from nasir.core.failures import MemoryLimitError, TimeLimitError, WorkerDiedError
from nasir.executors.resident import can_be_seen, resident
from nasir.executors.spawning import spawned
from nasir.executors.worker import BEGUN, Belongings, result_of

LOOKS = 0.025
"""Seconds between looks at the memory of a worker that has a limit."""


class Worker:
    """One spawned process, started anew where it died.

    A call takes at most `timeout` seconds and its process `memory` MiB; None: no limit. With
    `belongings` the process has these, and nothing of the program that starts it.
    """

    def __init__(
        self,
        timeout: float | None,
        memory: int | None = None,
        belongings: Belongings | None = None,
    ) -> None:
        self._timeout = timeout
        self._memory = memory
        self._belongings = belongings
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._ended = False
        self._lock = Lock()

    def start(self) -> None:
        """Start the process ahead of its first call."""
        self._started()

    def call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a call there; an :class:`EvaluationError` where it dies or takes too much."""
        return result_of(self.answer(pickle.dumps((fn, args, kwargs))))

    def answer(self, call: bytes) -> bytes:
        """What came of a pickled call, itself a pickled ``(result, error)``."""
        connection = self._started()
        try:
            connection.send_bytes(call)
            answer = self._received(connection)
            if answer == BEGUN:
                answer = self._received_within(connection)
        except (EOFError, OSError):
            raise WorkerDiedError(f"the worker died ({self._ending()})") from None
        return answer

    def end(self) -> None:
        """Kill the process, and start no other."""
        with self._lock:
            self._ended = True
            self._kill()

    def _started(self) -> Connection:
        with self._lock:
            if self._ended:
                raise EvaluationError("the executor was shut down")
            if self._connection is None or self._process is None or not self._process.is_alive():
                self._process, self._connection = spawned(self._belongings)
            return self._connection

    def _received_within(self, connection: Connection) -> bytes:
        """The next answer within the limits; what goes beyond one is killed."""
        until = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            left = None if until is None else max(0.0, until - time.monotonic())
            looks = left if self._memory is None else min(LOOKS, LOOKS if left is None else left)
            if self._answers(connection, looks):
                return self._received(connection)
            if left == 0:
                self._kill()
                raise TimeLimitError(f"stopped after {self._timeout:g} seconds")
            self._look_at_memory()

    def _look_at_memory(self) -> None:
        assert self._process is not None
        taken = resident(self._process.pid) if self._memory is not None else 0.0
        if self._memory is not None and taken > self._memory:
            self._kill()
            raise MemoryLimitError(
                f"stopped at {taken:.0f} MiB of memory, with memory_limit={self._memory}"
            )

    def _answers(self, connection: Connection, seconds: float | None) -> list[Any]:
        """Whatever is heard of the process within `seconds`: an answer, or its end."""
        assert self._process is not None
        return wait([connection, self._process.sentinel], seconds)

    def _received(self, connection: Connection) -> bytes:
        """The next answer; EOFError where the process ends without one."""
        if connection not in self._answers(connection, None) and not connection.poll():
            raise EOFError
        return connection.recv_bytes()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _ending(self) -> str:
        """How the process ended, in words."""
        assert self._process is not None
        self._process.join()
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"exit code {code}"
        names = {number.value: number.name for number in signal.Signals}
        return f"signal {names.get(-code, -code)}"


class ProcessExecutor(Executor):
    """Spawned workers, with a thread each to wait for them; a dead one fails its own call only."""

    def __init__(self, workers: int, timeout: float | None, memory: int | None = None) -> None:
        self._workers = [Worker(timeout, memory) for _ in range(workers)]
        self._free: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="nasir-worker")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._threads.submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers, after their calls or (to cancel) at once."""
        if cancel_futures:
            for worker in self._workers:
                worker.end()
        self._threads.shutdown(wait=True, cancel_futures=cancel_futures)
        for worker in self._workers:
            worker.end()

    def _call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        worker = self._free.get()
        try:
            return worker.call(fn, args, kwargs)
        finally:
            self._free.put(worker)


@attrs.define
class Process(ExecutorFactory):
    """Evaluates in `workers` processes; a crash or a time-out is a failed trial."""

    timeout: float | None = setting(
        None,
        "seconds after which an evaluation is stopped; none: never",
        attrs.validators.optional(attrs.validators.gt(0)),
    )

    _memory: int | None = attrs.field(init=False, default=None)

    def start(self, workers: int) -> ProcessExecutor:
        return ProcessExecutor(workers, self.timeout, self._memory)

    def within(self, seconds: float | None, mebibytes: int | None) -> Process:
        """With the shorter of both time limits; memory is looked at where the system shows it."""
        if mebibytes is not None and not can_be_seen():
            raise SettingsError(f"memory_limit={mebibytes}: it can be kept on Linux alone")
        times = [limit for limit in (seconds, self.timeout) if limit is not None]
        limited = Process(min(times, default=None))
        limited._memory = mebibytes
        return limited
