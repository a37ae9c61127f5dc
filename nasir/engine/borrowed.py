"""What a search or training borrows of its process, and gives back.

Those are torch's threads and randomness, the working folder, and the stdout of a command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import (
    AbstractContextManager,
    contextmanager,
    nullcontext,
    redirect_stdout,
    suppress,
)
from contextvars import ContextVar
from threading import RLock

from nasir.core.errors import NasirError
from nasir.core.within import within

_lock = RLock()
_depth = 0
_threads_before: int | None = None
_stdout_is_for_the_result: ContextVar[bool] = ContextVar("stdout_is_for_the_result", default=False)


def stdout_for_the_result() -> AbstractContextManager[None]:
    """Send what components of plugins print meanwhile to stderr, as a command does."""
    return within(_stdout_is_for_the_result, True)


@contextmanager
def borrowed(what: str) -> Iterator[None]:
    """Run `what` alone in this process; torch's threads and the working folder are put back.

    Torch's global generator is one for all threads: two searches at a time would disturb each
    other's randomness. Raises :class:`~nasir.core.errors.NasirError` where another thread has it.
    """
    global _depth, _threads_before
    if not _lock.acquire(blocking=False):
        raise NasirError(
            f"another thread of this process searches, trains or evaluates: one {what} at a time, "
            "or each in a process of its own"
        )
    if not _depth:
        _threads_before = None
    _depth += 1
    try:
        apart = redirect_stdout(sys.stderr) if _stdout_is_for_the_result.get() else nullcontext()
        with same_folder(), apart:
            yield
    finally:
        _depth -= 1
        if not _depth and _threads_before is not None:
            use_threads(_threads_before)
        _lock.release()


@contextmanager
def same_folder() -> Iterator[None]:
    """Put the working folder back, whatever is called inside."""
    try:
        before = os.getcwd()
    except OSError:  # it was removed
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(before)


def use_threads(threads: int) -> None:
    """Let numerical libraries use `threads` threads, so that every trial has the same bits."""
    global _threads_before
    import torch

    now = torch.get_num_threads()
    if now == threads:
        return
    if _threads_before is None:
        _threads_before = now
    torch.set_num_threads(threads)
