"""Cutting a picture into overlapping tiles, and joining what became of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]


SMALLEST_TILE = 64
"""Fewest pixels of the side of a tile."""


@attrs.frozen(eq=False)
class Tile:
    """A part of a picture, and the share of each of its pixels that it gives to the whole.

    `down` and `across` have one weight for each row and column; the share is their product.
    """

    rows: slice
    columns: slice
    down: Array
    across: Array

    def enlarged(self, factor: int) -> Tile:
        """The same part of the picture enlarged by an integer factor."""
        rows, columns = (
            slice(factor * span.start, factor * span.stop) for span in (self.rows, self.columns)
        )
        return Tile(rows, columns, self.down.repeat(factor), self.across.repeat(factor))


def cut(height: int, width: int, side: int, overlap: int) -> list[Tile]:
    """Tiles of at most `side` pixels a side, row by row, that overlap by at least `overlap`.

    All have one size, and in each pixel their shares sum to one. `side` 0: one tile.
    """
    downs, acrosses = spans(height, side, overlap), spans(width, side, overlap)
    return [
        Tile(rows, columns, down, across)
        for rows, down in zip(downs, shares(downs, height), strict=True)
        for columns, across in zip(acrosses, shares(acrosses, width), strict=True)
    ]


def cut_on_grid(height: int, width: int, side: int, overlap: int, step: int) -> list[Tile]:
    """As :func:`cut`, but each tile begins at a multiple of `step`, and the last may be smaller.

    A network that halves its picture sees the same pixels together in a tile as in the whole
    picture, if it begins where the whole picture's coarsest pixels do. `side` and `overlap` are
    multiples of `step`. The outer quarter of an overlap, where a network sees the cut edge, is not
    used.
    """
    downs, acrosses = (spans_on_grid(length, side, overlap, step) for length in (height, width))
    return [
        Tile(rows, columns, down, across)
        for rows, down in zip(downs, shares(downs, height, overlap // 4), strict=True)
        for columns, across in zip(acrosses, shares(acrosses, width, overlap // 4), strict=True)
    ]


def spans_on_grid(length: int, side: int, overlap: int, step: int) -> list[slice]:
    """The fewest spans from multiples of `step`, at most `side`, that overlap by `overlap`."""
    if not side or length <= side:
        return [slice(0, length)]
    count = math.ceil((length - overlap) / (side - overlap))
    stride = math.ceil((length - overlap) / count / step) * step
    return [
        slice(at, min(length, at + stride + overlap)) for at in range(0, length - overlap, stride)
    ]


def spans(length: int, side: int, overlap: int) -> list[slice]:
    """The fewest spans of one size, at most `side`, that cover `length` and overlap by `overlap`.

    `overlap` is less than half of `side`.
    """
    if not side or length <= side:
        return [slice(0, length)]
    count = math.ceil((length - overlap) / (side - overlap))
    size = math.ceil((length + (count - 1) * overlap) / count)
    starts = [round(i * (length - size) / (count - 1)) for i in range(count)]
    return [slice(start, start + size) for start in starts]


def shares(cover: Sequence[slice], length: int, margin: int = 0) -> list[Array]:
    """What each span weighs at each of its places: linear in the overlaps, one in all.

    At an end that is inside the picture, the outermost `margin` places weigh nothing.
    """
    import numpy as np

    raw = np.zeros((len(cover), length))
    for number, span in enumerate(cover):
        places = np.arange(span.start, span.stop)
        before = cover[number - 1].stop - span.start if number else 0
        after = span.stop - cover[number + 1].start if number + 1 < len(cover) else 0
        cut_before, cut_after = margin * (number > 0), margin * (number + 1 < len(cover))
        rising = (places - span.start + 1 - cut_before) / (before + 1 - 2 * cut_before)
        falling = (span.stop - places - cut_after) / (after + 1 - 2 * cut_after)
        raw[number, span] = np.minimum(rising, falling).clip(0, 1)
    raw /= raw.sum(0)
    return [row[span].astype(np.float32) for row, span in zip(raw, cover, strict=True)]


class Canvas:
    """The whole picture ``(H, W, C)``, to which the restored tiles are added."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self._picture: Array | None = None

    def add(self, tile: Tile, restored: Array) -> None:
        """Add a restored tile ``(h, w, C)``."""
        import numpy as np

        if self._picture is None:
            self._picture = np.zeros((*self.size, restored.shape[-1]), np.float32)
        share = tile.down[:, None, None] * tile.across[None, :, None]
        self._picture[tile.rows, tile.columns] += share * restored

    @property
    def picture(self) -> Array:
        """What has been added so far, within [0, 1]."""
        assert self._picture is not None, "no tile has been added"
        return self._picture.clip(0, 1)
