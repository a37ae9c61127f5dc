"""What a folder that came from elsewhere may have in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nasir.core.errors import RunFolderError


def refuse_special_files(folder: Path) -> None:
    """Refuse a folder with what is neither file nor folder in it: pipes never end to be read."""
    for path in _inside(folder):
        with suppress(OSError):
            mode = os.stat(path).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise RunFolderError(f"{path} is neither a file nor a folder: remove it")


def refuse_links_out(folder: Path) -> None:
    """Refuse a folder that is to be written where a link in it leads out of it.

    Such a link would have files elsewhere written over. The folder itself may be a link.
    """
    whole = os.path.realpath(folder)
    for path in _inside(folder):
        if os.path.islink(path) and not os.path.realpath(path).startswith(whole + os.sep):
            raise RunFolderError(
                f"{path} is a link that leads out of {folder}, and nothing is written there: put "
                "what it leads to in its place, or remove it"
            )


def _inside(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield os.path.join(parent, name)
