"""Which pictures the words of a user mean. It imports nothing that takes long."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from nasir.core.errors import PictureError


def is_several(images: Sequence[str], output: str | None) -> bool:
    """Whether these are several pictures, or one that goes into a folder."""
    into_folder = output is not None and (output.endswith(os.sep) or os.path.isdir(output))
    return len(images) != 1 or into_folder or _may_be_several(os.path.expanduser(images[0]))


def check_is_file(path: Path) -> None:
    """Refuse what is no file; raises :class:`~nasir.core.errors.PictureError`."""
    if os.path.isdir(path):
        raise PictureError(f"{path} is a folder: give one picture")
    if not os.path.isfile(path):  # Path raises at a name that is too long
        raise PictureError(f"there is no picture {str(path)!r}")


def _may_be_several(image: str) -> bool:
    return os.path.isdir(image) or (glob.has_magic(image) and not os.path.isfile(image))
