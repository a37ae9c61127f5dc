"""Files that come with nasir, from a package in a zip file, too."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def packaged(folder: str) -> Path:
    """A folder of the package `nasir`, with the files right in it.

    Where the package is not unpacked, they are copied to a folder that is removed at the end.
    """
    found = files("nasir") / folder
    if isinstance(found, Path):
        return found
    copy = Path(tempfile.mkdtemp(prefix="nasir-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for file in found.iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    return copy
