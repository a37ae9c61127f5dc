"""Estimation of photon noise in a single picture: noise whose variance grows with brightness."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

BLOCK = 16
"""Pixels of a side of the blocks of one brightness."""

DARKEST, BRIGHTEST, LEVELS = 0.04, 0.84, 8
"""Brightnesses in which noise is hardly clipped, and the number of intervals of them."""

FEWEST, FLAT_SHARE = 10, 0.3
"""Blocks that an interval needs, and the share of them that is taken for flat."""

FEWEST_LEVELS, LEAST_RANGE = 3, 0.25
"""Intervals, and the range of brightness, that a line is drawn through."""

LEAST_SHARE = 0.75
"""Share of photons in the variance at half brightness from which it is photon noise.

Of 32 photographs of BSDS500 with white noise of sigma 15 to 50, 1 or 2 pass for photon noise; with
30 and 100 photons 31 or 32 do, with 10 photons 29 in colour and 24 in grey.
"""

MOST_PHOTONS = 300.0
"""Photons at white above which texture and photon noise look alike."""


@attrs.frozen
class PhotonNoise:
    """Noise with the variance y / peak + (sigma / 255)^2 at the value y in [0, 1]."""

    peak: float
    sigma: float

    @property
    def words(self) -> str:
        """What follows the level of the noise in a message."""
        return f", of {self.peak:.0f} photons at white"


def photon_noise(picture: Any) -> PhotonNoise | None:
    """The photon noise of ``(H, W, C)`` in [0, 1]; None if its noise is none.

    A line through the variances in flat blocks of several brightnesses (Foi, Trimeche, Katkovnik
    and Egiazarian 2008). The peak is within a third for 10 to 100 photons in most photographs.
    """
    points = _points(np.asarray(picture, np.float64))
    if len(points) < FEWEST_LEVELS or np.ptp(points[:, 0]) < LEAST_RANGE:
        return None
    slope, offset = _line(*points.T)
    if slope * 0.5 < LEAST_SHARE * (slope * 0.5 + offset) or slope * MOST_PHOTONS < 1:
        return None
    return PhotonNoise(1 / slope, 255 * offset**0.5)


def _points(picture: Any) -> Any:
    """Brightness, variance and number of the flat blocks ``(levels, 3)``."""
    found = [_blocks(picture[..., c]) for c in range(picture.shape[-1])]
    mean, variance, texture = (np.concatenate(one) for one in zip(*found, strict=True))
    relative = texture / np.sqrt(np.maximum(variance, 1e-9))
    level = np.floor((mean - DARKEST) / (BRIGHTEST - DARKEST) * LEVELS)
    points = []
    for number in range(LEVELS):
        inside = np.flatnonzero(level == number)
        if len(inside) < FEWEST:
            continue
        order = np.argsort(relative[inside], kind="stable")
        flat = inside[order[: max(FEWEST // 2, int(FLAT_SHARE * len(inside)))]]
        points.append((mean[flat].mean(), np.median(variance[flat]), len(flat)))
    return np.array(points).reshape(-1, 3)


def _blocks(x: Any) -> tuple[Any, Any, Any]:
    """Mean, variance of the noise, and coarse texture of each block of ``(H, W)``."""
    height, width = (side // BLOCK * BLOCK for side in x.shape)
    a, b, c, d = (x[i:height:2, j:width:2] for i in (0, 1) for j in (0, 1))
    noise, twice = (a - b - c + d) / 2, (a + b + c + d) / 4
    four = (twice[::2, ::2] + twice[1::2, ::2] + twice[::2, 1::2] + twice[1::2, 1::2]) / 4
    coarse = _cut(four, BLOCK // 4)
    return coarse.mean(axis=1), (_cut(noise, BLOCK // 2) ** 2).mean(axis=1), coarse.std(axis=1)


def _cut(x: Any, side: int) -> Any:
    """Blocks ``(blocks, side^2)`` of ``(H, W)``, whose sides they divide."""
    rows, columns = (length // side for length in x.shape)
    blocks = x.reshape(rows, side, columns, side).swapaxes(1, 2)
    return blocks.reshape(rows * columns, side * side)


def _line(x: Any, y: Any, count: Any) -> tuple[float, float]:
    """Slope and offset, neither below zero, of the line with the least relative error."""
    weight = count / np.maximum(y, 1e-12) ** 2
    x0, y0 = np.average(x, weights=weight), np.average(y, weights=weight)
    slope = (weight * (x - x0) * (y - y0)).sum() / (weight * (x - x0) ** 2).sum()
    if slope <= 0:
        return 0.0, float(y0)
    if slope * x0 > y0:
        return float((weight * x * y).sum() / (weight * x**2).sum()), 0.0
    return float(slope), float(y0 - slope * x0)
