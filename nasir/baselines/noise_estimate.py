"""The noise of a photograph, told from its texture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import attrs
import numpy as np

from nasir.kernels.noise_level import HIGH_PASS, diagonal, spread

BLOCK = 32
"""Pixels of a side of the blocks that are flat or are not."""

FLAT_SHARE = 0.1
"""Share of the blocks that are taken for flat."""

FEWEST_BLOCKS = 3

LEAST_ROOM, MOST_ROOM, ROOM = 0.06, 0.25, 2.0
"""Distance of a block's means from 0 and 1 in which noise is hardly clipped: so many sigmas, within
these bounds."""

ROUNDS = 3
"""Estimates, each with the room that the one before asks for."""

LEAST_SIGMA = 0.3 / 255
"""Noise below this is rounding, whose correlation says nothing."""

FLOOR = 5
"""Percentile of the blocks' noise levels that is the floor."""

INDEPENDENT = 0.3
"""Share of noise from which it differs between colours. Texture has 0.03 to 0.2 in the flat parts
of photographs, a camera's noise 0.5 to 1, white noise 1."""

WHITE = 1.4
"""Correlation up to which noise is white. Camera noise has 1.5 to 3, white noise 0.95 to 1.2."""

WINDOW, WINDOWS = 512, 3
"""Larger pictures are seen through so many windows a side, of so many pixels."""


@attrs.frozen
class NoiseEstimate:
    """Noise, or texture, in the flat parts of a picture.

    `sigma` is its standard deviation at the finest scale, in [0, 1]. `correlation` is how much
    slower than white noise it falls when 2 x 2 pixels are averaged: 1 for white noise, about 2 for
    that of a camera, which demosaicing and chroma subsampling have spread. `independence` is the
    share of it that differs between colours: 1 for white noise, near 0 for texture, and for grey
    pictures. `floor` is what nearly all blocks of the picture have at least, in [0, 1], and `tails`
    is the root of the mean square of wavelet coefficients over their median: 1 for Gaussian noise,
    more for texture. `colour_correlation` is `correlation` from 2 x 2 to 4 x 4 pixels, of what
    differs between colours; 0 for grey pictures.
    """

    sigma: float
    correlation: float
    independence: float
    floor: float
    tails: float
    colour_correlation: float

    @property
    def is_white(self) -> bool:
        """Whether none of its values depends on its neighbours'."""
        return self.correlation <= WHITE


def noise_estimate(picture: Any) -> NoiseEstimate:
    """The noise of ``(H, W, C)``, from the blocks that are flattest at a coarse scale.

    If it differs between colours, it is measured in their differences, in which texture nearly
    vanishes: those of channels with white noise of sigma_1 and sigma_2 have sigma_1^2 + sigma_2^2.
    A picture with too few blocks is one block.
    """
    texture, mean, fine, coarse, coarser = (
        np.concatenate(one) for one in zip(*_parts(picture), strict=True)
    )
    room = np.minimum(mean, 1 - mean).min(axis=1)
    needed = LEAST_ROOM
    for _ in range(ROUNDS):
        inside = _with_room(room, needed)
        count = max(FEWEST_BLOCKS, round(FLAT_SHARE * len(inside)))
        flat = inside[np.argsort(texture[inside], kind="stable")[:count]]
        sigma = _mean_spread(fine[flat])
        needed = min(MOST_ROOM, max(needed, ROOM * sigma))
    averaged = _mean_spread(coarse[flat])
    differing, differing_averaged, differing_coarser = (
        _differing(coefficients[flat]) for coefficients in (fine, coarse, coarser)
    )
    independence = differing / max(sigma, LEAST_SIGMA)
    if independence >= INDEPENDENT:
        correlation = 2 * differing_averaged / max(differing, LEAST_SIGMA)
        sigma = min(sigma, differing) if correlation <= WHITE else sigma
    else:
        correlation = 2 * averaged / max(sigma, LEAST_SIGMA)
    grey = fine.mean(axis=-1)
    levels = np.array([spread(block) for block in grey[inside]])
    tails = np.sqrt((grey[flat] ** 2).mean(axis=1)) / [max(spread(b), 1e-9) for b in grey[flat]]
    return NoiseEstimate(
        sigma,
        correlation,
        independence,
        float(np.percentile(levels, FLOOR)),
        float(np.median(tails)),
        2 * differing_coarser / max(differing_averaged, LEAST_SIGMA),
    )


def _with_room(room: Any, needed: float) -> Any:
    """The blocks that have the room that is needed; or else the tenth with most of it."""
    inside = np.flatnonzero(room >= needed)
    least = max(FEWEST_BLOCKS, round(FLAT_SHARE * len(room)))
    return inside if len(inside) >= least else np.argsort(-room, kind="stable")[:least]


def _mean_spread(coefficients: Any) -> float:
    """The mean over channels of coefficients ``(blocks, pixels, C)``."""
    return float(np.mean([spread(coefficients[..., c]) for c in range(coefficients.shape[-1])]))


def _differing(coefficients: Any) -> float:
    """The level of what differs between channels; 0 where there is one."""
    pairs = list(combinations(range(coefficients.shape[-1]), 2))
    squares = [spread(coefficients[..., a] - coefficients[..., b]) ** 2 / 2 for a, b in pairs]
    return float(np.sqrt(np.mean(squares))) if pairs else 0.0


def _parts(picture: Any) -> Iterator[tuple[Any, ...]]:
    for window in _windows(picture):
        yield _blocks(np.asarray(window, np.float64))


def _blocks(x: Any) -> tuple[Any, ...]:
    """Texture ``(blocks,)``, means ``(blocks, C)``, and coefficients ``(blocks, pixels, C)`` at
    three scales."""
    twice = _averaged(x)
    four = _averaged(twice)
    rows, columns = ((side - BLOCK // 2) // BLOCK for side in x.shape[:2])

    def parted(values: Any, side: int) -> Any:
        if rows * columns < FEWEST_BLOCKS:
            return values.reshape(1, -1, values.shape[-1])
        cut = values[: rows * side, : columns * side]
        cut = cut.reshape(rows, side, columns, side, values.shape[-1]).swapaxes(1, 2)
        return cut.reshape(rows * columns, side * side, values.shape[-1])

    def diagonals(values: Any) -> Any:
        if min(values.shape[:2]) < len(HIGH_PASS):
            return np.zeros((1, 1, values.shape[-1]))
        return np.stack([diagonal(values[..., c]) for c in range(values.shape[-1])], axis=-1)

    return (
        parted(four, BLOCK // 4).mean(axis=-1).std(axis=1),
        parted(twice, BLOCK // 2).mean(axis=1),
        parted(diagonals(x), BLOCK // 2),
        parted(diagonals(twice), BLOCK // 4),
        parted(diagonals(four), BLOCK // 8),
    )


def _windows(picture: Any) -> Iterator[Any]:
    """The whole picture, or windows at regular places of a large one."""
    starts = [
        [0]
        if side <= WINDOW * WINDOWS
        else [round(n * (side - WINDOW) / (WINDOWS - 1)) for n in range(WINDOWS)]
        for side in picture.shape[:2]
    ]
    sizes = [side if side <= WINDOW * WINDOWS else WINDOW for side in picture.shape[:2]]
    for top in starts[0]:
        for left in starts[1]:
            yield picture[top : top + sizes[0], left : left + sizes[1]]


def _averaged(x: Any) -> Any:
    """The means of 2 x 2 pixels."""
    height, width = (side // 2 * 2 for side in x.shape[:2])
    x = x[:height, :width]
    return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4
