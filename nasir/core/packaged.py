"""Files that come with nasir, from a package in a zip file, too."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


@cache
def packaged(folder: str) -> Path:
    """A folder of the package `nasir`, with the files right in it.

    Where the package is not unpacked, they are copied to a folder that is removed at the end.
    """
    if (PACKAGE / folder).is_dir():
        return PACKAGE / folder
    import shutil
    import tempfile
    from importlib.resources import files

    found = files("nasir") / folder
    copy = Path(tempfile.mkdtemp(prefix="nasir-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for file in found.iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    return copy
