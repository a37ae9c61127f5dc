"""Haze: how it is added to a scene of known depth, and what colour it has.

A hazy picture is I = t J + (1 - t) A: the picture J, seen through the share t of light that the
air lets through, and the airlight A, one colour (He, Sun and Tang 2009).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from skimage import data
from torch import Tensor

from nasir.tasks.physics.guided_filter import linear_coefficients

LEAST_TRANSMISSION = 0.1
"""What a picture's inversion divides by at least (t0 of He, Sun and Tang 2009)."""

FOCAL_LENGTH, BASELINE, OFFSET = 994.978, 0.193001, 31.086
"""Pixels, metres, pixels: the cameras of scikit-image's motorcycle."""

ROWS = slice(65, 435)
HALVES = {"motorcycle-left": slice(0, 370), "motorcycle-right": slice(371, 741)}
"""Two square views that share no pixel, by name."""

PATCH = 15 / 400
"""Side of a dark channel's patch, of the picture's shorter side (He, Sun and Tang 2009: 15)."""

SEEN_HAZE = 0.9
"""w: the share of the haze that is taken away, since some makes far things look far (He: 0.95)."""

GUIDED_SIDE, GUIDED_RADIUS, GUIDED_EPSILON = 768, 0.1, 1e-3
"""Longest side in pixels, radius as a share of the shorter side, and epsilon (He: 1e-3)."""

BRIGHTEST = 0.001
"""Share of the pixels, greatest in the dark channel, among which the airlight is sought."""


def scenes() -> list[tuple[str, Any]]:
    """The views by name, ``(370, 370, 3)`` float32 in [0, 1]."""
    picture, _ = _motorcycle()
    return [(name, picture[ROWS, columns]) for name, columns in HALVES.items()]


def depth_of(name: str, size: tuple[int, ...]) -> Tensor:
    """How far away things are in a view: ``(1, 1, *size)``, in units of the scene's mean depth."""
    depth = _motorcycle()[1][ROWS, HALVES[name]]
    return _averaged(torch.from_numpy(depth)[None, None], size)


def shrunk(picture: Any, longest: int) -> Any:
    """A picture ``(H, W, C)`` in [0, 1] with at most `longest` pixels a side; 0: any number."""
    height, width = picture.shape[:2]
    if not 0 < longest < max(height, width):
        return picture
    factor = longest / max(height, width)
    size = (max(1, round(factor * height)), max(1, round(factor * width)))
    x = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    return _averaged(x, size)[0].permute(1, 2, 0).clamp(0, 1).numpy()


def dark_channel(x: Tensor) -> Tensor:
    """The least value of any channel in a patch around each pixel: ``(1, C, H, W)`` to one channel.

    As in He, Sun and Tang (2009). The patch is `PATCH` of the shorter side, 3 at least.
    """
    reach = max(1, round(PATCH * min(x.shape[-2:]) / 2))
    patch = 2 * reach + 1
    in_columns = F.max_pool2d(-x.amin(1, keepdim=True), (patch, 1), 1, (reach, 0))
    return -F.max_pool2d(in_columns, (1, patch), 1, (0, reach))


def estimated_airlight(x: Tensor) -> Tensor:
    """The colour of the haze in a hazy picture ``(1, C, H, W)``: ``(1, C, 1, 1)``.

    Of the 0.1 % of pixels that are greatest in the dark channel the brightest tenth, averaged
    (He, Sun and Tang 2009 take the brightest one).
    """
    dark = dark_channel(x).flatten()
    hazy = dark.topk(math.ceil(BRIGHTEST * dark.numel())).indices
    colours = x[0].flatten(1)[:, hazy]
    brightest = colours.sum(0).topk(math.ceil(hazy.numel() / 10)).indices
    return colours[:, brightest].mean(1).view(1, -1, 1, 1)


def dark_transmission(x: Tensor, airlight: Tensor) -> Tensor:
    """The transmission that the dark channel prior sees in a hazy picture: ``(1, 1, H, W)``.

    t = 1 - w min(I / A), the least of any channel in a patch (He, Sun and Tang 2009, equation 12).
    """
    return 1 - SEEN_HAZE * dark_channel(x / airlight.clamp(min=0.05)).clamp(0, 1)


def refined_transmission(t: Tensor, picture: Tensor) -> Tensor:
    """A coarse transmission ``(1, 1, h, w)`` at the size of a picture, with the picture's edges.

    The guided filter's coefficients are found at `GUIDED_SIDE` pixels at most and enlarged (He and
    Sun 2015, "Fast guided filter"), so that memory is bounded.
    """
    size = picture.shape[-2:]
    factor = min(1.0, GUIDED_SIDE / max(size))
    small = tuple(max(1, round(factor * side)) for side in size)
    guide, t = _averaged(picture, small), _averaged(t, small)
    radius = max(1, round(GUIDED_RADIUS * min(small)))
    a, b = (
        _averaged(x.float(), size) for x in linear_coefficients(t, guide, radius, GUIDED_EPSILON)
    )
    return ((a * picture).sum(1, keepdim=True) + b).clamp(0, 1)


def enlarged(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """A map ``(1, C, h, w)`` at a size; one pixel, which serves everywhere, as it is."""
    return x if x.shape[-2:] == (1, 1) else _averaged(x, size)


def _averaged(x: Tensor, size: tuple[int, ...]) -> Tensor:
    if x.shape[-2:] == size:
        return x
    return F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=True)


@cache
def _motorcycle() -> tuple[Any, Any]:
    """The picture, and the depth over its mean; where it is unknown, that of the nearest pixel."""
    picture, _, disparity = data.stereo_motorcycle()
    unknown = ~(np.isfinite(disparity) & (disparity > 0))
    nearest = ndimage.distance_transform_edt(unknown, return_distances=False, return_indices=True)
    depth = FOCAL_LENGTH * BASELINE / (disparity[tuple(nearest)] + OFFSET)
    return (picture / 255).astype(np.float32), (depth / depth.mean()).astype(np.float32)


def inverted(hazy: Tensor, transmission: Tensor, airlight: Tensor) -> Tensor:
    """The picture without haze, J = (I - (1 - t) A) / t, in [0, 1]."""
    haze = (1 - transmission) * airlight
    return ((hazy - haze) / transmission.clamp(min=LEAST_TRANSMISSION)).clamp(0, 1)
