"""Checks of folders that other people made."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nasir.core.errors import RunFolderError


def refuse_special_files(folder: Path) -> None:
    """Refuse a folder with anything but files and folders in it: reading a pipe may never end."""
    for path in _inside(folder):
        with suppress(OSError):
            mode = os.stat(path).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise RunFolderError(f"{path} is neither a file nor a folder: remove it")


def refuse_links_out(folder: Path) -> None:
    """Refuse a folder in which a link leads out of it.

    Through such a link, files in other places would be shown, or overwritten. The folder itself may
    be a link.
    """
    whole = os.path.realpath(folder)
    for path in _inside(folder):
        if os.path.islink(path) and not os.path.realpath(path).startswith(whole + os.sep):
            raise RunFolderError(
                f"{path} is a link that leads out of {folder}, and nothing there is read or "
                "written: put what it leads to in its place, or remove it"
            )


def _inside(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield os.path.join(parent, name)
