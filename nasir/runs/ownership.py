"""Ownership of a run: one process writes it, and another may take it over from a dead one.

Three things keep two processes from writing one run. The lock ends with its process, but is not
seen from another machine, and a stopped process keeps it. Heartbeats show from anywhere whether
the owner is alive. The token in the store is compared in every transaction: a process that was
taken for dead by mistake cannot write.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nasir.core.errors import RunFolderError
from nasir.runs.foreign_folders import refuse_links_out
from nasir.runs.lock import is_locked, locked
from nasir.runs.owner import OWNER, Owner, heartbeats, is_alive, read_owner
from nasir.runs.store import RunStore

LOCK = "run.lock"


@contextmanager
def owned(folder: Path, trials: Path) -> Iterator[RunStore]:
    """The run's store, in the file `trials`, which this process alone writes.

    Raises :class:`~nasir.core.errors.RunFolderError` if another process that is alive owns it.
    """
    with locked(folder / LOCK, lambda: _in_use(folder)):
        store = RunStore(trials, write=True)
        try:
            before = store.token
            owner = read_owner(folder)
            if owner is not None and not owner.is_on_this_machine:
                _refuse_alive(folder, owner)
            token = uuid.uuid4().hex
            store.claim(token, before)
            with heartbeats(folder, token):
                yield store
        finally:
            store.close()


def take_over(folder: Path, trials: Path) -> None:
    """Take a run from a process of this machine that has its lock but no heartbeat.

    That is a stopped one. If it continues later, the token in the store keeps it from writing.
    Raises :class:`~nasir.core.errors.RunFolderError` if the process is alive.
    """
    refuse_links_out(folder)
    if not is_locked(folder / LOCK):
        return
    owner = read_owner(folder)
    if owner is None:
        raise RunFolderError(f"{folder} is locked by a process without heartbeats: end it")
    store = RunStore(trials, write=True)
    try:
        before = store.token
        _refuse_alive(folder, owner)
        store.claim(uuid.uuid4().hex, before)
        unlocked = folder / f".{LOCK}.{uuid.uuid4().hex}"
        unlocked.touch(exist_ok=False)
        unlocked.replace(folder / LOCK)  # the other process keeps its lock on the old file
        (folder / OWNER).unlink(missing_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot write in {folder}: {error.strerror}") from None
    finally:
        store.close()


def is_owned(folder: Path) -> bool:
    """Whether a process that is alive writes the run; nothing is written to find out."""
    if is_locked(folder / LOCK):
        return True
    owner = read_owner(folder)
    return owner is not None and not owner.is_on_this_machine and not owner.is_silent


def _refuse_alive(folder: Path, owner: Owner) -> None:
    if is_alive(folder, owner):
        raise RunFolderError(f"{folder} is in use by {owner}: wait for it, or end it first")


def _in_use(folder: Path) -> str:
    owner = read_owner(folder)
    if owner is None or not owner.is_silent:
        by = "another process" if owner is None else f"another process ({owner})"
        return f"{folder} is in use by {by}: wait for it, or end it first"
    return (
        f"{folder} is owned by {owner}, which had no heartbeat for {owner.silence:.0f} seconds: "
        f"end it, or take the run over with: nasir resume {folder} --take-over"
    )
