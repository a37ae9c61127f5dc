"""What is beyond the borders of a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def inside(places: Array, size: int, border: str) -> Array:
    """The pixels of a line of `size` pixels that are at `places`, some of them beyond it.

    ``repeated``: the outermost pixel; ``periodic``: the line again; ``mirrored``: the line in the
    mirror, the outermost pixel twice (MATLAB's symmetric, scipy's reflect).
    """
    if border == "repeated":
        return places.clip(0, size - 1)
    if border == "periodic":
        return places % size
    around = places % (2 * size)
    return np.minimum(around, 2 * size - 1 - around)


def window(plane: Array, top: int, left: int, side: int, reach: int, border: str) -> Array:
    """A square of a plane ``(C, H, W)`` with `reach` pixels more on each side."""
    if reach == 0:
        return plane[:, top : top + side, left : left + side]
    rows, columns = (
        inside(np.arange(at - reach, at + side + reach), size, border)
        for at, size in ((top, plane.shape[1]), (left, plane.shape[2]))
    )
    return plane[:, rows[:, None], columns]
