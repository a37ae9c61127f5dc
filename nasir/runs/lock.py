"""Locks in files, which end with their process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nasir.core.errors import RunFolderError
from nasir.runs.foreign_folders import refuse_links_out

PATIENCE = 0.5
"""Seconds to wait for a lock; :func:`is_locked` holds one for a moment."""


@contextmanager
def locked(path: Path, in_use: Callable[[], str]) -> Iterator[None]:
    """Hold the lock in the file `path`.

    Raises :class:`~nasir.core.errors.RunFolderError`: with the message `in_use()` if another
    process holds it, and for a folder that cannot be written or has links that lead out of it.
    """
    from filelock import FileLock, Timeout  # who only reads does not wait for its import

    refuse_links_out(path.parent)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        raise RunFolderError(in_use()) from None
    except OSError as error:
        raise RunFolderError(f"cannot write in {path.parent}: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether a process of this machine holds the lock; no file is made to find out."""
    try:
        import fcntl
    except ImportError:  # Windows
        from filelock import FileLock

        with suppress(OSError):
            if path.exists():
                FileLock(path).acquire(timeout=0).lock.release()
            return False
        return True
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
