"""One process writes a run: its lock, and how a run is taken over from a dead process."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from nasir.core import heartbeat
from nasir.core.errors import RunFolderError
from nasir.core.heartbeat import Holder, beats, read_holder
from nasir.core.store import RunStore

LOCK = "run.lock"

LOOKING = 0.5
"""Seconds longer than anybody holds the lock who only looks whether it is held."""

log = logging.getLogger("nasir")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep out the other processes of this machine; refuses a run that one of them holds."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=LOOKING)
    except Timeout:
        raise RunFolderError(_in_use(folder)) from None
    except OSError as error:
        raise RunFolderError(f"cannot write in {folder}: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()


def refuse_living(folder: Path) -> None:
    """Refuse a run whose holder is alive on another machine, from where no lock may be seen."""
    holder = read_holder(folder)
    if holder is not None and not holder.here:
        _watch(folder, holder)


def take_over(folder: Path, trials: Path) -> None:
    """Take a run from a process that holds its lock without a sign of life, such as a stopped one.

    `trials` is the run's store; should the process come back, the token there keeps it from
    writing. Raises :class:`~nasir.core.errors.RunFolderError` where it is alive.
    """
    if not is_locked(folder):
        return
    holder = read_holder(folder)
    if holder is None:
        raise RunFolderError(f"{folder} is held by a process that gives no signs of life: end it")
    store = RunStore(trials, write=True)
    try:
        before = store.progress().get("holder")
        _watch(folder, holder)
        store.claim(uuid.uuid4().hex, before)
        fresh = folder / f".{LOCK}.{uuid.uuid4().hex}"
        fresh.touch(exist_ok=False)
        fresh.replace(folder / LOCK)  # the other's lock is on a file that is gone
        (folder / heartbeat.HOLDER).unlink(missing_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot write in {folder}: {error.strerror}") from None
    finally:
        store.close()


def is_held(folder: Path) -> bool:
    """Whether a process that is alive writes the run; writes nothing to find out."""
    if is_locked(folder):
        return True
    holder = read_holder(folder)
    return holder is not None and not holder.here and holder.silence < heartbeat.SILENT


def is_locked(folder: Path) -> bool:
    """Whether a process of this machine holds the run's lock."""
    try:
        import fcntl
    except ImportError:  # Windows
        return _is_locked_elsewhere(folder)
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
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


def _is_locked_elsewhere(folder: Path) -> bool:
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _watch(folder: Path, holder: Holder) -> None:
    seconds = heartbeat.WATCHED
    log.warning("waiting %.0f seconds for a sign of life of %s", seconds, holder)
    if beats(folder, seconds):
        raise RunFolderError(f"{folder} is in use by {holder}: wait for it, or end it first")


def _in_use(folder: Path) -> str:
    holder = read_holder(folder)
    if holder is None or holder.silence < heartbeat.SILENT:
        by = "another process" if holder is None else f"another process ({holder})"
        return f"{folder} is in use by {by}: wait for it, or end it first"
    return (
        f"{folder} is held by {holder}, which gave no sign of life for {holder.silence:.0f} "
        f"seconds: end it, or take the run over with: nasir resume {folder} --take-over"
    )
