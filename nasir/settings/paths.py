"""Paths among settings."""

from __future__ import annotations

import os
from pathlib import Path


def whole_path(path: str | os.PathLike[str] | None) -> str | None:
    """A converter: the same place from wherever a run is resumed; empty and None stay so."""
    text = path if path is None else os.fspath(path)
    return text and os.path.abspath(os.path.expanduser(text))


def one_file(path: str) -> list[Path]:
    """What a setting means that is the path of a file (`files` of a setting)."""
    return [Path(path)]
