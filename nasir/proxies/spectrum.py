"""Power spectral densities of pictures, and the ring of frequencies of ISNAS-DIP."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from torch import Tensor

from nasir.core.proxy import Probe

Array = np.ndarray[Any, np.dtype[Any]]

INNER, OUTER = 0.1, 0.2
"""Diameters of the ring, relative to the spectrum's size."""

CIRCLES = 99
"""The number of circles for the bandwidth."""

LEAST = 1e-30
"""Least power, so that decibels are finite."""

_known: WeakKeyDictionary[object, Array] = WeakKeyDictionary()


def power_spectrum(picture: Array) -> Array:
    """``|fft2(x) / (H W)|^2`` of ``(C, H, W)``, the zero frequency in the middle."""
    spectrum = np.fft.fft2(picture, norm="forward")
    return np.maximum(np.fft.fftshift(np.abs(spectrum) ** 2, axes=(-2, -1)), LEAST)


def of_output(probe: Probe) -> Array:
    """The spectrum ``(C, H, W)`` of the network's output."""
    return _spectrum(probe, probe.output)


def of_picture(probe: Probe) -> Array:
    """The spectrum ``(C, H, W)`` of the degraded picture."""
    return _spectrum(probe.sample, probe.sample.degraded)


def _spectrum(owner: object, picture: Tensor) -> Array:
    """The spectrum of a picture, computed once for each owner."""
    if owner not in _known:
        _known[owner] = power_spectrum(picture[0].double().cpu().numpy())
    return _known[owner]


@lru_cache(maxsize=8)
def radius(height: int, width: int) -> Array:
    """The distance of each entry of a spectrum from frequency zero, in cycles a pixel."""
    down, across = (np.fft.fftshift(np.fft.fftfreq(size)) for size in (height, width))
    return np.hypot(down[:, None], across)


@lru_cache(maxsize=8)
def strip(height: int, width: int) -> Array:
    """The mask of the ring in a spectrum, 1552 entries of 256 x 256."""
    rho = radius(height, width)
    return (rho >= INNER / 2) & (rho < OUTER / 2)
