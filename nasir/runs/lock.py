"""Locks in files, by which the processes of one machine keep each other out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from nasir.core.errors import RunFolderError
from nasir.runs.foreign_folders import refuse_links_out

LOOKING = 0.5
"""Seconds longer than anybody holds a lock who only looks whether it is held."""


@contextmanager
def locked(path: Path, in_use: Callable[[], str]) -> Iterator[None]:
    """Hold the lock in the file `path`; where another process does, refuse with what is `in_use`.

    Who holds it writes in its folder, so that one with links that lead out of it is refused, too.
    Raises :class:`~nasir.core.errors.RunFolderError`.
    """
    refuse_links_out(path.parent)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=LOOKING)
    except Timeout:
        raise RunFolderError(in_use()) from None
    except OSError as error:
        raise RunFolderError(f"cannot write in {path.parent}: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether a process of this machine holds the lock; makes no file to find out."""
    try:
        import fcntl
    except ImportError:  # Windows
        return _is_locked_by_trying(path)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _is_locked_by_trying(path: Path) -> bool:
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False
