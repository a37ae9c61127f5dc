"""What a worker process does: take a call, say that it has begun, return what came of it."""

from __future__ import annotations

import pickle
import signal
from multiprocessing.connection import Connection
from typing import Any

BEGUN = b"begun"


def work(connection: Connection) -> None:
    """Answer calls until the process that holds the run is gone.

    A call comes as a pickled ``(function, arguments, keywords)``. The answer is :data:`BEGUN`
    once it has been read, with all that had to be imported for it, and then a pickled
    ``(result, error)``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that holds the run
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    import torch  # noqa: F401 (which takes seconds that count for no evaluation)

    while True:
        try:
            received = connection.recv_bytes()
            connection.send_bytes(_answer(received, connection))
        except (EOFError, OSError):
            return


def _answer(received: bytes, connection: Connection) -> bytes:
    try:
        function, arguments, keywords = pickle.loads(received)
        connection.send_bytes(BEGUN)
        answer = (function(*arguments, **keywords), None)
        return pickle.dumps(answer)
    except (Exception, SystemExit) as error:
        return _dumped_error(error)


def _dumped_error(error: BaseException) -> bytes:
    """The error, or its words where it cannot be pickled or would not come back."""
    try:
        dumped = pickle.dumps((None, error))
        pickle.loads(dumped)
    except Exception:
        plain: Any = RuntimeError(f"{type(error).__name__}: {error}")
        return pickle.dumps((None, plain))
    return dumped
