"""Pictures that are large enough."""

from __future__ import annotations

from typing import Any

import attrs

from nasir.core.errors import PictureError
from nasir.core.evaluator import Problem
from nasir.core.task import Sample

SMALLEST = 16
"""Smallest side, in pixels, that pictures are cut or shrunk to."""


def whole_or_large_enough(evaluator: object, field: attrs.Attribute[int], side: int) -> None:
    """A validator: 0 for whole pictures, or a side of at least :data:`SMALLEST` pixels."""
    if side != 0 and side < SMALLEST:
        raise ValueError(f"{field.name!r} must be 0 or >= {SMALLEST}: {side}")


def check_size(sample: Sample, problem: Problem) -> None:
    """Refuse a picture that is too small for the networks of the problem's space."""
    smallest = problem.space.smallest_side
    restored: Any = problem.task.unrestored(sample)
    height, width = restored.shape[-2:]
    if min(height, width) < smallest:
        raise PictureError(
            f"{sample.name} has {height} x {width} pixels, the space needs {smallest} x {smallest} "
            "at least: take a larger picture, or a lower depth of the space"
        )
