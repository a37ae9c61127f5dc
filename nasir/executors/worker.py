"""What a worker process does: take a call, say that it has begun, return what came of it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any, Protocol

BEGUN = b"begun"


class Belongings(Protocol):
    """What a worker brings along to a machine that is not the run's."""

    def unpack(self) -> None:
        """Lay it out in this process, before anything else is imported."""

    def discard(self) -> None:
        """Remove what is left of it; called where nobody else can any more."""


def work(connection: Connection, belongings: Belongings | None = None) -> None:
    """Answer calls until the process that started this one is gone.

    A call comes as a pickled ``(function, arguments, keywords)``. The answer is :data:`BEGUN`
    once it has been read, with all that had to be imported for it, and then a pickled
    ``(result, error)``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that holds the run
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    Thread(target=_end_with_parent, args=(belongings,), daemon=True).start()
    if belongings is not None:
        belongings.unpack()
    import torch  # noqa: F401 (which takes seconds that count for no evaluation)

    while True:
        try:
            received = connection.recv_bytes()
            connection.send_bytes(_answer(received, connection))
        except (EOFError, OSError):
            return


def dumped(result: Any = None, error: BaseException | None = None) -> bytes:
    """A pickled ``(result, error)``; the error's words where it would not come back itself."""
    if error is None:
        return pickle.dumps((result, None))
    try:
        whole = pickle.dumps((None, error))
        pickle.loads(whole)
    except Exception:
        return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")))
    return whole


def result_of(answer: bytes) -> Any:
    """What an answer brings; raises the error that it brings instead."""
    result, error = pickle.loads(answer)
    if error is not None:
        raise error
    return result


def _end_with_parent(belongings: Belongings | None) -> None:
    """End this process with the one that started it, in the middle of an evaluation too."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    if belongings is not None:
        belongings.discard()
    os._exit(1)


def _answer(received: bytes, connection: Connection) -> bytes:
    try:
        function, arguments, keywords = pickle.loads(received)
        connection.send_bytes(BEGUN)
        return dumped(function(*arguments, **keywords))
    except (Exception, SystemExit) as error:
        return dumped(error=error)
