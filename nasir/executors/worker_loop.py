"""The loop of a worker process: take a call, report that it has begun, send the result back."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import signal
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread
from typing import Any

from nasir.executors.cards import VISIBLE
from nasir.executors.environment import set_up

BEGUN = b"begun"


def work(connection: Connection, folder: Path | None, cards: str | None = None) -> None:
    """Answer calls until the process that started this one is gone.

    A call comes as a pickled ``(function, arguments, keywords)``. The answer is :data:`BEGUN`
    once the call and all its imports are loaded, then a pickled ``(result, error)``, each with
    the number of the call in front (:func:`numbered`). A worker on
    another machine has a `folder` with the environment of the run, which it removes at its end.
    It sees the GPUs `cards`, if they are given, in this order.
    """
    if cards is not None:
        os.environ[VISIBLE] = cards  # before torch looks for any
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that holds the run
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.dup2(2, 1)  # stdout is for the command's result: what an evaluation prints goes to stderr
    Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    if folder is not None:
        set_up(folder)
    import torch  # noqa: F401 (its import takes seconds, which count for no evaluation)

    while True:
        try:
            call, received = split_number(connection.recv_bytes())
            connection.send_bytes(numbered(call, _answer(call, received, connection)))
        except (EOFError, OSError):
            return


def numbered(call: int, content: bytes) -> bytes:
    """`content` with the number of its call in front."""
    return call.to_bytes(8, "big") + content


def split_number(message: bytes) -> tuple[int, bytes]:
    """The number of a call and what was sent for it: the inverse of :func:`numbered`."""
    return int.from_bytes(message[:8], "big"), message[8:]


def pack_answer(result: Any = None, error: BaseException | None = None) -> bytes:
    """A pickled ``(result, error)``; an error that cannot be pickled is sent as its text."""
    if error is None:
        return pickle.dumps((result, None))
    try:
        whole = pickle.dumps((None, error))
        pickle.loads(whole)
    except Exception:
        return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")))
    return whole


def unpack_answer(answer: bytes) -> Any:
    """The result in an answer; raises the error in it, if it has one."""
    result, error = pickle.loads(answer)
    if error is not None:
        raise error
    return result


def _end_with_parent(folder: Path | None) -> None:
    """End this process with its parent, also in the middle of an evaluation."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _answer(call: int, received: bytes, connection: Connection) -> bytes:
    try:
        function, arguments, keywords = pickle.loads(received)
        connection.send_bytes(numbered(call, BEGUN))
        return pack_answer(function(*arguments, **keywords))
    except (Exception, SystemExit) as error:
        return pack_answer(error=error)
