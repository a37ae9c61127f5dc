"""Feature maps at twice their size.

Torch's backward passes of bilinear and bicubic resizing add in any order on a GPU. Resizing by 2 is
a fixed linear map along rows and along columns: each output pixel is a weighted sum of a few
neighbours, the same ones for all even and for all odd pixels. Written so, the order is fixed.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.kernels.choice import must_repeat

Mode = Literal["nearest", "bilinear", "bicubic"]
Taps = tuple[tuple[float, ...], tuple[float, ...]]
"""The weights of the neighbours -r to r, for even and for odd output pixels."""

CUBIC = -0.75
"""The parameter a of cubic convolution (Keys 1981, equation 4), as torch has it."""


def twice(x: Tensor, mode: Mode) -> Tensor:
    """`x` at twice its size: ``(N, C, H, W) -> (N, C, 2 H, 2 W)``, corners not aligned."""
    if must_repeat(x):
        return by_taps(x, mode)
    if mode == "nearest":
        return F.interpolate(x, scale_factor=2, mode=mode)
    return F.interpolate(x, scale_factor=2, mode=mode, align_corners=False)


def by_taps(x: Tensor, mode: Mode) -> Tensor:
    """:func:`twice` in an order of additions that never changes."""
    return _doubled(_doubled(x, taps(mode), -2), taps(mode), -1)


@cache
def taps(mode: Mode) -> Taps:
    """Output pixel 2 i is at i - 1/4 of the small map, and 2 i + 1 at i + 1/4."""
    if mode == "nearest":
        return (1.0,), (1.0,)
    if mode == "bilinear":
        return (0.25, 0.75, 0.0), (0.0, 0.75, 0.25)
    even = tuple(_cubic(abs(neighbour + 0.25)) for neighbour in range(-2, 3))
    return even, even[::-1]


def _cubic(distance: float) -> float:
    d, a = distance, CUBIC
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


def _doubled(x: Tensor, weights: Taps, dim: int) -> Tensor:
    """`x` at twice its size along `dim`, -2 or -1; beyond its border are its border pixels."""
    size, r = x.shape[dim], len(weights[0]) // 2
    if r:
        ends = (x.narrow(dim, 0, 1), x.narrow(dim, size - 1, 1))
        first, last = (end.expand(*_with(x.shape, dim, r)) for end in ends)
        x = torch.cat([first, x, last], dim)
    phases = []
    for phase in weights:
        terms = [(w, x.narrow(dim, place, size)) for place, w in enumerate(phase) if w]
        weight, part = terms[0]
        total = part * weight if weight != 1 else part
        for weight, part in terms[1:]:
            total = torch.add(total, part, alpha=weight)
        phases.append(total)
    return torch.stack(phases, dim).flatten(dim - 1, dim)


def _with(shape: torch.Size, dim: int, size: int) -> list[int]:
    """`shape` with another size along `dim`."""
    sizes = list(shape)
    sizes[dim] = size
    return sizes
