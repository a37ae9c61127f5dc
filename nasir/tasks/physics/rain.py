"""Streaks of rain.

A rainy picture is y = 1 - (1 - x) (1 - r), the blend of picture x and streaks r that picture
editors call screen. The streaks are sparse noise after a motion blur, as in the recipe for
Photoshop by which the sets Rain800 (Zhang, Sindagi and Patel 2019, "ID-CGAN") and Rain12000
(Zhang and Patel 2018, "DID-MDN") were made.
"""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import torch
from scipy.signal import fftconvolve
from torch import Tensor

Array = np.ndarray[Any, np.dtype[np.float64]]

DIMMEST = 0.2
"""Brightness of the dimmest streak, of the brightest one."""


@attrs.frozen
class Streaks:
    """How hard it rains, and from where.

    `density` is how many streaks are centred on a pixel on average, in [0, 1]; `length` and
    `width` are a streak's extent in pixels along and across its direction, `angle` degrees from
    the vertical (positive: the lower end is further right); `intensity` in [0, 1] is the light of
    the brightest streak.
    """

    density: float
    length: float
    angle: float
    width: float
    intensity: float


def rainy(x: Tensor, rain: Streaks, generator: np.random.Generator) -> Tensor:
    """`x` ``(1, C, H, W)`` in [0, 1] in the rain: float32 in [0, 1], equal streaks in all C."""
    fallen = streaks(x.shape[-2], x.shape[-1], rain, generator)
    return 1 - (1 - x) * (1 - torch.from_numpy(fallen).float())


def streaks(height: int, width: int, rain: Streaks, generator: np.random.Generator) -> Array:
    """The light of the streaks, ``(height, width)`` in [0, 1].

    Where streaks cross, their lights add up to 1 at most. Some begin outside the picture.
    """
    kernel = streak(rain.length, rain.angle, rain.width)
    rows, columns = (height + kernel.shape[0] - 1, width + kernel.shape[1] - 1)
    drops = np.zeros(rows * columns)
    count = generator.binomial(drops.size, rain.density)
    places = generator.integers(drops.size, size=count)
    np.add.at(drops, places, generator.uniform(DIMMEST, 1, count))
    fallen = fftconvolve(drops.reshape(rows, columns), kernel, mode="valid")
    return rain.intensity * fallen.clip(0, 1)


def streak(length: float, angle: float, width: float) -> Array:
    """One streak of brightness 1 in an odd square: a line, Gaussian across and at its ends.

    A pixel at distance d from a segment of `length` pixels has exp(-d^2 / (2 (width / 2)^2)).
    """
    reach = math.ceil(length / 2 + 1.5 * width)
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    slope = math.radians(angle)
    along = down * math.cos(slope) + right * math.sin(slope)
    across = right * math.cos(slope) - down * math.sin(slope)
    beyond = np.maximum(np.abs(along) - length / 2, 0)
    return np.exp(-(across**2 + beyond**2) / (2 * (width / 2) ** 2))
