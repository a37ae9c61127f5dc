"""PSNR and SSIM."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.core.errors import PictureError

WINDOW = 11
SIGMA = 1.5
_K1, _K2 = 0.01, 0.03


def psnr(x: Tensor, y: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of two pictures ``(N, C, H, W)`` in [0, 1].

    -10 log10 of the mean squared error, in float64; infinite if they are equal.
    """
    error = (x.double() - y.double()).square().mean().item()
    return -10 * math.log10(error) if error else math.inf


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """Structural similarity of two batches ``(N, C, H, W)`` in [0, 1], a scalar in [-1, 1].

    Wang, Bovik, Sheikh and Simoncelli (2004), equation 13: a Gaussian window of 11 x 11 and
    sigma 1.5, constants 0.01 and 0.03, means over the windows that lie inside the picture and
    over channels. Differentiable, in the precision of `x`.
    """
    if min(x.shape[-2:]) < WINDOW:
        raise PictureError(
            f"SSIM needs pictures of {WINDOW} x {WINDOW} pixels at least, got "
            f"{x.shape[-2]} x {x.shape[-1]}"
        )
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x = _blurred(x * x) - mean_x**2
    variance_y = _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    c1, c2 = _K1**2, _K2**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    contrast_structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return (luminance * contrast_structure).mean()


def _blurred(x: Tensor) -> Tensor:
    """The Gaussian mean around each pixel whose window lies inside the picture."""
    places = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    window = torch.exp(-(places**2) / (2 * SIGMA**2))
    window = window / window.sum()
    channels = x.shape[1]
    down = window.view(1, 1, WINDOW, 1).expand(channels, 1, WINDOW, 1)
    across = window.view(1, 1, 1, WINDOW).expand(channels, 1, 1, WINDOW)
    return F.conv2d(F.conv2d(x, down, groups=channels), across, groups=channels)
