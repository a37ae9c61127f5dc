"""One worker process, with limits on its time and memory."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import Lock
from typing import Any

from nasir.core.errors import EvaluationError
from nasir.core.failures import MemoryLimitError, TimeLimitError, WorkerDiedError
from nasir.executors.worker_loop import BEGUN, numbered, split_number, unpack_answer, work

MEMORY_INTERVAL = 0.025
"""Seconds between two readings of the memory of a worker that has a limit."""

LONGEST_WAIT = 3600.0
"""Seconds of one wait; the system takes no more than 24.8 days, a time limit may be longer."""

_spawning = Lock()


class WorkerProcess:
    """One spawned process, which is started again after it died.

    A call takes at most `seconds` and its process `mebibytes` of memory; None: no limit. With a
    `folder`, which contains an environment, the process imports nothing of the program that
    starts it. If `cards` is given, these are the GPUs that the process sees, in this order.
    """

    def __init__(
        self,
        seconds: float | None = None,
        mebibytes: int | None = None,
        folder: Path | None = None,
        cards: str | None = None,
    ) -> None:
        self._seconds = seconds
        self._mebibytes = mebibytes
        self._folder, self._cards = folder, cards
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._ended = False
        self._calls = 0
        self._lock = Lock()

    def call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a call there; an :class:`EvaluationError` if it dies or exceeds a limit."""
        return unpack_answer(self.answer(pickle.dumps((fn, args, kwargs))))

    def answer(self, call: bytes) -> bytes:
        """The answer to a pickled call, itself a pickled ``(result, error)``.

        Calls and answers have the same number. If anything goes wrong in between, the process is
        killed: it may still send an answer, which must not be taken for that of the next call.
        """
        connection = self.start()
        self._calls += 1
        try:
            connection.send_bytes(numbered(self._calls, call))
            answer = self._receive(connection)
            if answer == BEGUN:
                answer = self._receive_within_limits(connection)
            return answer
        except (EOFError, OSError):
            raise WorkerDiedError(f"the worker died ({self._ending()})") from None
        except BaseException:
            self._kill()
            raise

    def start(self) -> Connection:
        """Start the process unless it runs; returns the connection to it."""
        with self._lock:
            if self._ended:
                raise EvaluationError("the executor was shut down")
            if self._connection is None or self._process is None or not self._process.is_alive():
                self._process, self._connection = self._spawn()
            return self._connection

    def end(self) -> None:
        """Kill the process, and start no other."""
        with self._lock:
            self._ended = True
            self._kill()

    def _spawn(self) -> tuple[SpawnProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self._folder, self._cards))
        try:
            with _interrupts_blocked(), _program_hidden(self._folder is not None):
                process.start()
        except OSError as error:
            raise WorkerDiedError(f"no worker process could be started: {error.strerror}") from None
        finally:
            theirs.close()
        return process, ours

    def _receive_within_limits(self, connection: Connection) -> bytes:
        """The next answer; a process that exceeds a limit is killed."""
        end = None if self._seconds is None else time.monotonic() + self._seconds
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            pause = LONGEST_WAIT if self._mebibytes is None else MEMORY_INTERVAL
            if self._wait(connection, pause if left is None else min(pause, left)):
                return self._receive(connection)
            if left == 0:
                raise TimeLimitError(f"stopped after {self._seconds:g} seconds")
            self._check_memory()

    def _check_memory(self) -> None:
        assert self._process is not None
        if self._mebibytes is None:
            return
        taken = _resident_mebibytes(self._process.pid)
        if taken > self._mebibytes:
            raise MemoryLimitError(
                f"stopped at {taken:.0f} MiB of memory, with memory_limit={self._mebibytes}"
            )

    def _wait(self, connection: Connection, seconds: float | None) -> list[Any]:
        """Wait at most `seconds` for an answer or the end of the process; what came of these."""
        assert self._process is not None
        return wait([connection, self._process.sentinel], seconds)

    def _receive(self, connection: Connection) -> bytes:
        """The next answer; EOFError if the process ends without one."""
        if connection not in self._wait(connection, None) and not connection.poll():
            raise EOFError
        answered, answer = split_number(connection.recv_bytes())
        if answered != self._calls:
            raise WorkerDiedError(
                f"the worker answered call {answered} where call {self._calls} was asked"
            )
        return answer

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


def can_limit_memory() -> bool:
    """Whether this system shows how much memory a process has."""
    return Path("/proc/self/statm").exists()


def _resident_mebibytes(pid: int | None) -> float:
    """Main memory of a process without its children, in MiB; 0 if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


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


@contextmanager
def _program_hidden(hidden: bool) -> Iterator[None]:
    """If `hidden`, keep a spawned process from importing the program that runs here, a cluster's.

    Dask's workers are daemons, which may not have children in case these outlive them; a worker
    process ends with its parent.
    """
    if not hidden:
        yield
        return
    program: Any = vars(sys.modules["__main__"])
    own: Any = multiprocessing.current_process()
    with _spawning:
        known = {name: program[name] for name in ("__file__", "__spec__") if name in program}
        program.update(dict.fromkeys(known))
        if own.daemon:
            own.daemon = False
        try:
            yield
        finally:
            program.update(known)
