"""What a camera's sensor and its processing make of a scene.

y = round(f(D(L + n))) with L = M(f^-1(x)): the picture x is brought to linear light by the
inverse of the tone curve f, each photosite sees one colour of it (the mosaic M) with noise
n ~ N(0, a L + b), and the camera's demosaicing D, tone curve and rounding to 8 bits spread that
noise over neighbouring pixels and colours (CBDNet: Guo, Yan, Zhang, Zuo and Zhang 2019, section
3.1). Of the further steps that Jaroensri, Biscarrat, Aittala and Durand 2019 simulate there are
white balance, a denoising that smooths chroma, and JPEG.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.tasks.pictures.picture import LUMA

BAYER = torch.tensor([[0, 1], [1, 2]])
"""The colour that each photosite of a 2 x 2 block sees: red, green; green, blue."""

_CROSS = [
    [0, 0, -1, 0, 0],
    [0, 0, 2, 0, 0],
    [-1, 2, 4, 2, -1],
    [0, 0, 2, 0, 0],
    [0, 0, -1, 0, 0],
]
_ACROSS = [
    [0, 0, 0.5, 0, 0],
    [0, -1, 0, -1, 0],
    [-1, 4, 5, 4, -1],
    [0, -1, 0, -1, 0],
    [0, 0, 0.5, 0, 0],
]
_DIAGONAL = [
    [0, 0, -1.5, 0, 0],
    [0, 2, 0, 2, 0],
    [-1.5, 0, 6, 0, -1.5],
    [0, 2, 0, 2, 0],
    [0, 0, -1.5, 0, 0],
]
_OWN, _BY_CROSS, _BY_ACROSS, _BY_DOWN, _BY_DIAGONAL = range(5)

WAYS = torch.tensor(
    [
        [[_OWN, _BY_ACROSS], [_BY_DOWN, _BY_DIAGONAL]],
        [[_BY_CROSS, _OWN], [_OWN, _BY_CROSS]],
        [[_BY_DIAGONAL, _BY_DOWN], [_BY_ACROSS, _OWN]],
    ]
)
"""How red, green and blue are come by at each photosite of a 2 x 2 block."""


def photograph(
    x: Tensor,
    shot: float,
    read: float,
    generator: np.random.Generator,
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0),
    chroma: float = 0.0,
) -> Tensor:
    """`x` ``(1, C, H, W)`` in [0, 1] as a camera sees it: float32, whole multiples of 1/255.

    `shot` and `read` are a and b of the noise's variance a L + b in linear light. Colour (C = 3)
    passes through the mosaic, grey has all its photosites. Both sides are 3 pixels or more. Colour
    reaches the sensor divided by `gains`, which white balance multiplies with; its chroma is
    smoothed with a standard deviation of `chroma` pixels.
    """
    colour = x.shape[1] == 3
    light = linear(x.double())
    balance = light.new_tensor(gains).view(1, 3, 1, 1)
    raw = mosaicked(light / balance) if colour else light
    noise = torch.from_numpy(generator.standard_normal(raw.shape))
    raw = raw + (shot * raw + read).sqrt() * noise
    seen = toned((demosaicked(raw) * balance if colour else raw).clamp(0, 1))
    if colour and chroma > 0:
        seen = smooth_chroma(seen, chroma).clamp(0, 1)
    return ((seen * 255).round() / 255).float()


def usual_read(shot: float) -> float:
    """The b that goes with a: log b = 2.18 log a + 1.2 (Brooks et al. 2019, section 3.1)."""
    return math.exp(2.18 * math.log(shot) + 1.2)


def smooth_chroma(x: Tensor, sigma: float) -> Tensor:
    """``(1, 3, H, W)`` with its luma, and the difference to that smoothed by a Gaussian.

    The kernel ends at 3 `sigma`, and the borders are repeated.
    """
    luma = (x * x.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    reach = math.ceil(3 * sigma)
    places = torch.arange(-reach, reach + 1, dtype=x.dtype)
    kernel = torch.exp(-(places**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    around = F.pad((x - luma)[0, :, None], (reach,) * 4, mode="replicate")
    smooth = F.conv2d(F.conv2d(around, kernel), kernel.mT)
    return luma + smooth[None, :, 0]


def linear(x: Tensor) -> Tensor:
    """Light in [0, 1] of values in [0, 1]: the inverse of the tone curve."""
    return torch.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def toned(light: Tensor) -> Tensor:
    """Values in [0, 1] of light in [0, 1]: the tone curve of sRGB (IEC 61966-2-1)."""
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def mosaicked(x: Tensor) -> Tensor:
    """What the photosites see of a colour picture: ``(1, 3, H, W)`` to ``(1, 1, H, W)``."""
    return x.gather(1, _tiled(BAYER[None], x)[None])


def demosaicked(raw: Tensor) -> Tensor:
    """The colours at all photosites: ``(1, 1, H, W)`` to ``(1, 3, H, W)``.

    Bilinear interpolation, corrected by the gradient of the colour that is known there (Malvar,
    He and Cutler 2004, figure 2); the raw picture is mirrored about its outermost photosites.
    """
    across = raw.new_tensor(_ACROSS)
    filters = torch.stack([raw.new_tensor(_CROSS), across, across.T, raw.new_tensor(_DIAGONAL)])
    around = F.pad(raw, (2, 2, 2, 2), mode="reflect")
    ways = torch.cat([raw, F.conv2d(around, filters[:, None] / 8)], dim=1)
    return ways.gather(1, _tiled(WAYS, raw)[None])


def _tiled(block: Tensor, x: Tensor) -> Tensor:
    """A block ``(C, 2, 2)`` repeated to ``(C, H, W)``, over all pixels of `x`."""
    rows, columns = (torch.arange(size) % 2 for size in x.shape[-2:])
    return block[:, rows][..., columns]
