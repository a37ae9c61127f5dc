"""One process writes a run: its lock, and how a run is taken over from a dead process."""

from __future__ import annotations

import logging
import uuid
from contextlib import AbstractContextManager
from pathlib import Path

from nasir.core.errors import RunFolderError
from nasir.runs import heartbeat
from nasir.runs.foreign_folders import refuse_links_out
from nasir.runs.heartbeat import Holder, beats, read_holder
from nasir.runs.lock import is_locked, locked
from nasir.runs.store import RunStore

LOCK = "run.lock"

log = logging.getLogger("nasir")


def alone(folder: Path) -> AbstractContextManager[None]:
    """Keep out the other processes of this machine; refuses a run that one of them holds."""
    return locked(folder / LOCK, lambda: _in_use(folder))


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
    refuse_links_out(folder)
    if not is_locked(folder / LOCK):
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
    if is_locked(folder / LOCK):
        return True
    holder = read_holder(folder)
    return holder is not None and not holder.here and holder.silence < heartbeat.SILENT


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
