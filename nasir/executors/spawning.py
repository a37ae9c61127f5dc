"""Starting worker processes."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Lock
from typing import Any

from nasir.core.failures import WorkerDiedError
from nasir.executors.worker import Belongings, work

_ONE_AT_A_TIME = Lock()


def spawned(belongings: Belongings | None = None) -> tuple[SpawnProcess, Connection]:
    """A new worker process, deaf to Ctrl-C from its first moment, and the way to talk to it.

    With `belongings` it has these, and imports nothing of the program that runs here.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, belongings))
    try:
        with _interrupts_blocked(), nullcontext() if belongings is None else _without_program():
            process.start()
    except OSError as error:
        raise WorkerDiedError(f"no worker process could be started: {error.strerror}") from None
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


@contextmanager
def _without_program() -> Iterator[None]:
    """Hide the program that runs here, which is a cluster's, and let this process have children.

    Dask's workers are daemons, which may have none lest they outlive them; ours do not.
    """
    program: Any = vars(sys.modules["__main__"])
    own: Any = multiprocessing.current_process()
    with _ONE_AT_A_TIME:
        known = {name: program[name] for name in ("__file__", "__spec__") if name in program}
        program.update(dict.fromkeys(known))
        if own.daemon:
            own.daemon = False
        try:
            yield
        finally:
            program.update(known)
