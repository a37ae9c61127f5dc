"""Resizing by an integer factor, as MATLAB's imresize and as Deep Image Prior does it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nasir.core.operator import Operator
from nasir.tasks.physics.borders import Array, inside

SUPPORT = 2
"""Half the width of both kernels, in pixels of the smaller picture."""


def cubic(x: Array) -> Array:
    """Keys' cubic convolution kernel with a = -1/2, as MATLAB has it."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= SUPPORT, far, 0.0))


def lanczos2(x: Array) -> Array:
    """sinc(x) sinc(x / 2) for ``|x| < 2``, else 0."""
    return np.where(np.abs(x) < SUPPORT, np.sinc(x) * np.sinc(x / SUPPORT), 0.0)


AROUND = 3
"""Pixels of the smaller picture on each side that no kernel reaches beyond."""

KERNELS: dict[str, tuple[Callable[[Array], Array], str]] = {
    "bicubic": (cubic, "mirrored"),
    "lanczos2": (lanczos2, "repeated"),
}
"""Each kernel, and what is beyond the borders: MATLAB mirrors, Deep Image Prior repeats."""


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def resizing_matrix(size: int, new_size: int, kernel: str) -> Tensor:
    """The matrix ``(new_size, size)`` float64 that resizes a line of `size` pixels.

    Pixel centres are aligned, and the kernel is widened for shrinking (anti-aliasing).
    """
    weight, border = KERNELS[kernel]
    scale = new_size / size
    widening = min(1.0, scale)
    centres = (np.arange(new_size) + 0.5) / scale - 0.5
    first = np.floor(centres - SUPPORT / widening).astype(int)
    places = first[:, None] + np.arange(int(np.ceil(2 * SUPPORT / widening)) + 2)
    weights = weight((centres[:, None] - places) * widening)
    weights /= weights.sum(1, keepdims=True)
    pixels = inside(places, size, border)
    matrix = np.zeros((new_size, size))
    np.add.at(matrix, (np.arange(new_size)[:, None], pixels), weights)
    return torch.from_numpy(matrix)


def resized(x: Tensor, height: int, width: int, kernel: str = "bicubic") -> Tensor:
    """``(N, C, H, W)`` resized to `height` x `width`, differentiable, in the precision of `x`."""
    down = resizing_matrix(x.shape[-2], height, kernel).to(x)
    across = resizing_matrix(x.shape[-1], width, kernel).to(x)
    return down @ x @ across.T


def shrunk_by_pillow(x: Tensor, factor: int) -> Tensor:
    """``(1, C, H, W)`` in [0, 1] shrunk as 8 bits by Pillow's Lanczos filter (three lobes)."""
    from PIL import Image

    values = (x[0].permute(1, 2, 0) * 255).round().byte().numpy()
    height, width = (size // factor for size in values.shape[:2])
    picture = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    small = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))
    return torch.from_numpy(np.atleast_3d(small) / np.float32(255)).permute(2, 0, 1)[None]


class Downsampling(Operator):
    """Shrinks by an integer factor that divides both sides: ``(N, C, H, W) -> (N, C, H/f, W/f)``.

    The kernel is ``bicubic`` (MATLAB's imresize) or ``lanczos2`` (Deep Image Prior, with phase
    1/2); x3 and others have their pixel centres aligned too.
    """

    def __init__(self, factor: int, kernel: str) -> None:
        super().__init__()
        self.factor, self.kernel = factor, kernel
        self._matrices: dict[Any, tuple[Tensor, Tensor]] = {}

    def forward(self, x: Tensor) -> Tensor:
        key = (x.shape[-2:], x.device, x.dtype)
        if key not in self._matrices:
            self._matrices[key] = self._matrices_for(x)
        down, across = self._matrices[key]
        return down @ x @ across

    def adjoint(self, y: Tensor) -> Tensor:
        height, width = (self.factor * size for size in y.shape[-2:])
        down, across = self._matrices_for(y.new_empty(1, 1, height, width))
        return down.mT @ y @ across.mT

    @torch.inference_mode(False)  # what is made in an evaluation has to serve a fit too
    def _matrices_for(self, x: Tensor) -> tuple[Tensor, Tensor]:
        height, width = (size // self.factor for size in x.shape[-2:])
        down = resizing_matrix(x.shape[-2], height, self.kernel).to(x)
        across = resizing_matrix(x.shape[-1], width, self.kernel).to(x)
        return down, across.T.contiguous()
