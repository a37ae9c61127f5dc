"""Power spectral densities of pictures, and the ring of frequencies that ISNAS-DIP looks at."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from torch import Tensor

from nasir.core.proxy import Probe

Array = np.ndarray[Any, np.dtype[Any]]

INNER, OUTER = 0.1, 0.2
"""Diameters of the ring, in shares of the spectrum's size."""

CIRCLES = 99
"""How many circles the bandwidth is read from."""

LEAST = 1e-30
"""Stands for a power of zero where decibels are taken."""

_known: WeakKeyDictionary[object, Array] = WeakKeyDictionary()


def power_spectrum(picture: Array) -> Array:
    """``|fft2(x) / (H W)|^2`` of ``(C, H, W)``, the zero frequency in the middle."""
    spectrum = np.fft.fft2(picture, norm="forward")
    return np.maximum(np.fft.fftshift(np.abs(spectrum) ** 2, axes=(-2, -1)), LEAST)


def of_output(probe: Probe) -> Array:
    """The spectrum ``(C, H, W)`` of what the network makes of its input."""
    return _spectrum(probe, probe.output)


def of_picture(probe: Probe) -> Array:
    """The spectrum ``(C, H, W)`` of the degraded picture."""
    return _spectrum(probe.sample, probe.sample.degraded)


def _spectrum(owner: object, picture: Tensor) -> Array:
    """The spectrum of a picture, computed once for its owner."""
    if owner not in _known:
        _known[owner] = power_spectrum(picture[0].double().cpu().numpy())
    return _known[owner]


@lru_cache(maxsize=8)
def radius(height: int, width: int) -> Array:
    """The distance of each frequency from zero, in cycles a pixel, as spectra are ordered."""
    down, across = (np.fft.fftshift(np.fft.fftfreq(size)) for size in (height, width))
    return np.hypot(down[:, None], across)


@lru_cache(maxsize=8)
def strip(height: int, width: int) -> Array:
    """Where a spectrum is within the ring: 1552 of 256 x 256 entries."""
    rho = radius(height, width)
    return (rho >= INNER / 2) & (rho < OUTER / 2)
