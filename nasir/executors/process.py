"""Evaluations in processes of their own on this machine."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from threading import Lock
from typing import Any

import attrs

from nasir.core.component import setting
from nasir.core.errors import EvaluationError
from nasir.core.executor import ExecutorFactory
from nasir.executors.worker import BEGUN, work


class Worker:
    """One spawned process, started anew where it died."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._ended = False
        self._lock = Lock()

    def call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a call there; an :class:`EvaluationError` where the process dies or is too slow."""
        dumped = pickle.dumps((fn, args, kwargs))
        connection = self._started()
        try:
            connection.send_bytes(dumped)
            answer = self._received(connection, None)
            if answer == BEGUN:
                answer = self._received(connection, self._timeout)
        except (EOFError, OSError):
            raise EvaluationError(f"the worker died ({self._ending()})") from None
        result, error = pickle.loads(answer)
        if error is not None:
            raise error
        return result

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
                self._process, self._connection = _spawned()
            return self._connection

    def _received(self, connection: Connection, timeout: float | None) -> bytes:
        """The next answer; EOFError where the process ends without one."""
        assert self._process is not None
        ready = wait([connection, self._process.sentinel], timeout)
        if not ready:
            self._kill()
            raise EvaluationError(f"stopped after {timeout:g} seconds")
        if connection not in ready and not connection.poll():
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


def _spawned() -> tuple[SpawnProcess, Connection]:
    """A new worker process, deaf to Ctrl-C from its first moment, and the way to talk to it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs,))
    try:
        with _interrupts_blocked():
            process.start()
    except OSError as error:
        raise EvaluationError(f"no worker process could be started: {error.strerror}") from None
    finally:
        theirs.close()
    return process, ours


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Keep Ctrl-C from this thread and from the processes that it starts meanwhile."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class ProcessExecutor(Executor):
    """Spawned workers, with a thread each to wait for them; a dead one fails its own call only."""

    def __init__(self, workers: int, timeout: float | None) -> None:
        self._workers = [Worker(timeout) for _ in range(workers)]
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

    def start(self, workers: int) -> ProcessExecutor:
        return ProcessExecutor(workers, self.timeout)
