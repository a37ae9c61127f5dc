"""Paths among an evaluator's settings."""

from __future__ import annotations

import os


def whole_path(path: str | os.PathLike[str] | None) -> str | None:
    """A converter: the same place from wherever a run is resumed."""
    return None if path is None else os.path.abspath(os.path.expanduser(path))
