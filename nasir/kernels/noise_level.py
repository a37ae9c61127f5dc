"""Estimation of the noise level of a single picture."""

from __future__ import annotations

from typing import Any

import numpy as np

HIGH_PASS = np.array([-0.48296291, 0.83651630, -0.22414387, -0.12940952])
"""Daubechies' wavelet filter with two vanishing moments; its squares sum to 1."""

MEDIAN_OF_NORMAL = 0.67448975
"""The median of |x| for x from N(0, 1)."""


def noise_level(picture: Any) -> float:
    """The standard deviation of white Gaussian noise in ``(H, W, C)``, the mean over channels.

    median |d| / 0.6745 over the finest diagonal wavelet coefficients d (Donoho and Johnstone
    1994, section 6.1.1), which edges and smooth regions hardly change. Both sides must be 4 pixels
    or more.
    """
    return float(np.mean([_of_channel(picture[..., c]) for c in range(picture.shape[-1])]))


def _of_channel(channel: Any) -> float:
    return spread(diagonal(np.asarray(channel, np.float64)))


def diagonal(x: Any) -> Any:
    """The finest diagonal wavelet coefficients."""
    return _detail(_detail(x).T).T


def spread(coefficients: Any) -> float:
    """The standard deviation of normal coefficients among others."""
    size = np.abs(coefficients)
    # flat regions, such as clipped ones, show no noise
    present = size[size > 1e-9]
    return float(np.median(present) / MEDIAN_OF_NORMAL) if present.size else 0.0


def _detail(x: Any) -> Any:
    """Every other wavelet coefficient along the first axis; none reaches over the border."""
    windows = np.lib.stride_tricks.sliding_window_view(x, len(HIGH_PASS), axis=0)[::2]
    return windows @ HIGH_PASS
