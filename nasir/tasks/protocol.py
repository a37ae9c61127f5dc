"""What losses and metrics compare: observed pixels, luma, the inside of a picture."""

from __future__ import annotations

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.core.errors import PictureError
from nasir.core.metrics import WINDOW, psnr, ssim
from nasir.core.task import Sample
from nasir.tasks.pictures.picture import grey as as_grey

Y_OF_RGB = (65.481 / 255, 128.553 / 255, 24.966 / 255)
Y_OFFSET = 16 / 255


def luma(x: Tensor) -> Tensor:
    """Y of ITU-R BT.601, as MATLAB's rgb2ycbcr: ``(N, 3, H, W)`` to ``(N, 1, H, W)``.

    Pictures in [0, 1] have Y from 16/255 to 235/255.
    """
    weights = x.new_tensor(Y_OF_RGB).view(1, 3, 1, 1)
    return (x * weights).sum(1, keepdim=True) + Y_OFFSET


def evaluated_part(x: Tensor, channel: str, border: int) -> Tensor:
    """The part of `x` that metrics compare: all channels or ``y`` of colour, without the border."""
    height, width = x.shape[-2:]
    if min(height, width) - 2 * border < WINDOW:
        raise PictureError(
            f"a picture of {height} x {width} has no {WINDOW} x {WINDOW} pixels inside a border "
            f"of {border}: take a larger picture, or a smaller task.border"
        )
    inside = x[..., border : height - border, border : width - border]
    return luma(inside) if channel == "y" and x.shape[1] == 3 else inside


def compared(
    restored: Tensor, clean: Tensor, channel: str, border: int, grey: bool = False
) -> dict[str, float]:
    """PSNR in dB, SSIM and MSE of pictures ``(1, C, H, W)`` in [0, 1], of their evaluated part.

    `grey` compares their luma in its own range, instead of what `channel` says.
    """
    own = (as_grey(x) if grey else x for x in (restored, clean))
    ours, truth = (evaluated_part(x, channel, border) for x in own)
    exact = ours.double(), truth.double()
    mse = (exact[0] - exact[1]).square().mean().item()
    return {"psnr": psnr(ours, truth), "ssim": ssim(*exact).item(), "mse": mse}


def observed_error(predicted: Tensor, sample: Sample) -> Tensor:
    """The mean squared error of `predicted` to the observed pixels of ``sample.degraded``.

    A mask between 0 and 1 weighs them.
    """
    error = predicted - sample.degraded
    if sample.mask is None:
        return error.square().mean()
    seen = torch.where(sample.mask > 0, error, 0)
    return (sample.mask * seen.square()).sum() / (sample.mask.sum() * error.shape[1])


def shrunk(sample: Sample, side: int) -> Sample:
    """`sample` without ground truth, its short side brought down to `side` pixels.

    Whole pictures are resized bicubically with anti-aliasing; of pictures with missing pixels
    every so many pixels are taken, so that the same share is missing.
    """
    height, width = sample.degraded.shape[-2:]
    factor = side / min(height, width)
    if factor >= 1:
        return attrs.evolve(sample, clean=None)
    size = (round(height * factor), round(width * factor))
    if sample.mask is None:
        small = F.interpolate(
            sample.degraded, size, mode="bicubic", align_corners=False, antialias=True
        )
        return attrs.evolve(sample, degraded=small, clean=None)
    degraded, mask = (
        F.interpolate(x, size, mode="nearest") for x in (sample.degraded, sample.mask)
    )
    return attrs.evolve(sample, degraded=degraded, clean=None, mask=mask)
