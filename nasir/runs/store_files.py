"""The file of a run's trials as others may treat it: not to be written, or removed meanwhile."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from nasir.core.errors import RunFolderError

REMOVAL = 0.02
"""Seconds in which a folder is gone whose first files were seen to be missing."""


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open without writing; as an unchanging file if even its lock file cannot be made.

    What this user may write is no unchanging file: while a run writes it, it would seem damaged.
    """
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("PRAGMA schema_version")
    except sqlite3.OperationalError:
        if _may_write(path) and _may_write(path.parent):
            raise
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
    return connection


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def refuse_removed(path: Path) -> None:
    """Refuse a file that could not be read since its folder is being removed at this moment."""
    try:
        if abs(time.time() - path.parent.stat().st_mtime) < 0.2:  # files came or went
            time.sleep(REMOVAL)
    except OSError:
        pass
    refuse_gone(path)


def refuse_gone(path: Path) -> None:
    """Refuse a file that is not there any more."""
    if not path.exists():
        raise RunFolderError(f"{path} is gone: its run was removed or moved meanwhile") from None
