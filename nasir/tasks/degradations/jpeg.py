"""JPEG compression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Noise

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

QUALITIES = [must.ge(1), must.le(100)]

BLOCKS = 16
"""Pixels of a side of what is coded together: blocks of 8 x 8 and chroma of half the size."""


def _two(given: int | Sequence[int] | None) -> tuple[int, ...] | None:
    if given is None:
        return None
    return (given, given) if isinstance(given, int) else tuple(given)


def _interval(_: object, field: attrs.Attribute[object], given: tuple[int, ...] | None) -> None:
    if given is not None and not (len(given) == 2 and 1 <= given[0] <= given[1] <= 100):
        raise ValueError(f"{field.name!r} must be a least and a greatest in [1, 100]: {given}")


@attrs.frozen
class Jpeg(Noise):
    """JPEG compression by a real encoder (libjpeg): the picture after coding and decoding.

    Chroma has half the height and width, as is usual. Rounding makes the derivative zero, so that
    a fit compares its output with the decoded picture as it is. With `qualities`, each patch to
    train on has a quality of its own; pictures to test on have `quality`.
    """

    quality: int = setting(10, "quality, 1 (worst) to 100", QUALITIES)
    qualities: tuple[int, ...] | None = setting(
        None,
        "quality of patches to train on, least and greatest, 1 to 100; none: quality",
        _interval,
        _two,
    )

    reach = BLOCKS

    def varied(self, generator: np.random.Generator) -> Jpeg:
        if self.qualities is None:
            return self
        least, greatest = self.qualities
        return attrs.evolve(self, quality=int(generator.integers(least, greatest + 1)))

    def observe(self, y: Tensor, generator: np.random.Generator) -> Tensor:
        from nasir.tasks.physics.jpeg import compressed

        return compressed(y, self.quality)
