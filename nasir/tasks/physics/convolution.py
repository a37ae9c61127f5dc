"""Convolution with a blur kernel, its adjoint, and usual kernels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor, fft

from nasir.core.operator import Operator
from nasir.tasks.physics.borders import inside

Array = np.ndarray[Any, np.dtype[np.float64]]

DIRECT = 49
"""Kernels of more values are applied by Fourier transforms: with 17 x 17, nine times as fast."""

TRUNCATION = 4.0
"""A Gaussian kernel ends at so many standard deviations, as scipy's."""


class Convolution(Operator):
    """A x = k * x in each channel, of the same size: ``(N, C, H, W) -> (N, C, H, W)``.

    The kernel k ``(h, w)`` has odd sides and its middle is its origin; what is beyond the borders
    is as :func:`~nasir.tasks.physics.borders.inside` has it. With `valid`, `mask` is 0 along the
    borders, where pixels beyond them would count.
    """

    kernel: Tensor

    def __init__(self, kernel: Array, border: str, size: tuple[int, int], valid: bool) -> None:
        super().__init__(_valid(size, kernel.shape) if valid else None)
        flipped = np.ascontiguousarray(kernel[::-1, ::-1], np.float32)
        self.border = border
        self.register_buffer("kernel", torch.from_numpy(flipped)[None, None])

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns of the kernel on each side of its middle."""
        height, width = self.kernel.shape[-2:]
        return height // 2, width // 2

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = self._places(x)
        around = x[..., rows, :][..., columns]
        if self.kernel.numel() > DIRECT:
            size, kernel = self._frequencies(x)
            blurred = fft.irfft2(fft.rfft2(around, size) * kernel.conj(), size)
            return blurred[..., : x.shape[-2], : x.shape[-1]]
        return F.conv2d(around.flatten(0, 1)[:, None], self.kernel).view(x.shape)

    def adjoint(self, y: Tensor) -> Tensor:
        rows, columns = self._places(y)
        if self.kernel.numel() > DIRECT:
            size, kernel = self._frequencies(y)
            spread = fft.irfft2(fft.rfft2(y, size) * kernel, size)
            spread = spread[..., : len(rows), : len(columns)]
        else:
            spread = F.conv_transpose2d(y.flatten(0, 1)[:, None], self.kernel)
            spread = spread.view(*y.shape[:2], len(rows), len(columns))
        down = y.new_zeros(*y.shape[:3], len(columns)).index_add(2, rows, spread)
        return torch.zeros_like(y).index_add(3, columns, down)

    def _frequencies(self, x: Tensor) -> tuple[tuple[int, int], Tensor]:
        """A quick size for transforms of `x` with what is around it, and the kernel's transform."""
        height, width = (
            next_fast_len(size + 2 * reach, real=True)
            for size, reach in zip(x.shape[-2:], self.reach, strict=True)
        )
        return (height, width), fft.rfft2(self.kernel.to(x.dtype), (height, width))

    def _places(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The rows and the columns of `x` with those beyond the borders that the kernel reaches."""
        rows, columns = (
            torch.from_numpy(inside(np.arange(-reach, size + reach), size, self.border))
            for size, reach in zip(x.shape[-2:], self.reach, strict=True)
        )
        return rows.to(x.device), columns.to(x.device)


def _valid(size: tuple[int, int], kernel: tuple[int, ...]) -> Tensor:
    """1 where a kernel of this shape looks at nothing beyond the borders: ``(1, 1, *size)``."""
    down, across = kernel[0] // 2, kernel[1] // 2
    mask = torch.zeros(1, 1, *size)
    mask[..., down : size[0] - down, across : size[1] - across] = 1
    return mask


def gaussian_kernel(width: float) -> Array:
    """exp(-(i^2 + j^2) / (2 width^2)) over an odd square, with the sum 1."""
    reach = int(TRUNCATION * width + 0.5)
    line = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * width**2))
    kernel = line[:, None] * line
    return kernel / kernel.sum()


def motion_kernel(length: float, angle: float) -> Array:
    """A line through the middle, one pixel wide, with the sum 1, as MATLAB's fspecial('motion').

    `length` is in pixels and `angle` in degrees from the horizontal, counter-clockwise. A pixel at
    distance d from the segment between the line's outermost pixels weighs max(0, 1 - d).
    """
    half = (length - 1) / 2
    slope = math.radians(angle)
    reach = math.ceil(half)
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    along = right * math.cos(slope) - down * math.sin(slope)
    across = right * math.sin(slope) + down * math.cos(slope)
    beyond = np.maximum(np.abs(along) - half, 0)
    kernel = np.maximum(1 - np.hypot(across, beyond), 0)
    return kernel / kernel.sum()


def odd_sided(kernel: Array) -> Array:
    """`kernel` with a row or column of zeros more, at its end, if it has an even number."""
    height, width = kernel.shape
    return np.pad(kernel, ((0, 1 - height % 2), (0, 1 - width % 2)))
