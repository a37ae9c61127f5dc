"""Deformable convolution, version 2 (Zhu et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KERNEL = 3
TAPS = KERNEL**2


def deform_conv(x: Tensor, offsets: Tensor, masks: Tensor, weight: Tensor) -> Tensor:
    """y(p) = sum_k w_k m_k(p) x(p + p_k + dp_k(p)), Zhu et al. 2019, equation 1.

    `x` is ``(N, C, H, W)`` and bilinear between pixels, zero outside; p_k runs over the 3x3
    neighbours row by row. `offsets` ``(N, 18, H, W)`` are pixels, down and right in turn for each
    k; `masks` is ``(N, 9, H, W)``, `weight` ``(out, C, 3, 3)``. Returns ``(N, out, H, W)``.
    """
    height, width = x.shape[-2:]
    grid, rows, columns = _grid(offsets, height, width)
    padded = F.pad(x, (0, columns - width, 0, rows - height))
    sampled = F.grid_sample(padded.to(grid.dtype), grid, padding_mode="zeros", align_corners=False)
    modulated = sampled.to(x.dtype).unflatten(2, (TAPS, height)) * masks.unsqueeze(1)
    return F.conv2d(modulated.flatten(1, 2), weight.flatten(1)[..., None, None])


def _grid(offsets: Tensor, height: int, width: int) -> tuple[Tensor, int, int]:
    """Where to sample, ``(N, 9 H, W, 2)``, -1 to 1 over a picture of the size that follows.

    In single precision at least: half precision has no room for fractions of a pixel.
    """
    offsets = offsets.to(torch.promote_types(offsets.dtype, torch.float32))
    rows, columns = _exact(height), _exact(width)
    like: dict[str, Any] = {"device": offsets.device, "dtype": offsets.dtype}
    tap = torch.arange(TAPS, **like).view(TAPS, 1, 1)
    moved = offsets.unflatten(1, (TAPS, 2))
    y = moved[:, :, 0] + tap.div(KERNEL, rounding_mode="floor") - 1
    x = moved[:, :, 1] + tap.remainder(KERNEL) - 1
    y = y + torch.arange(height, **like).view(height, 1)
    x = x + torch.arange(width, **like)
    grid = torch.stack([(2 * x + 1) / columns - 1, (2 * y + 1) / rows - 1], dim=-1)
    return grid.flatten(1, 2), rows, columns


def _exact(size: int) -> int:
    """The next power of two: whole pixels stay whole when they are scaled to -1 .. 1 and back.

    Else rounding would choose on which side of a pixel the gradient of the offsets is taken,
    and at the start of training all samples are at whole pixels. A graph that is exported takes
    any size, and no gradients.
    """
    return size if _exporting() else 1 << (size - 1).bit_length()


class DeformableConv2d(nn.Conv2d):
    """3x3 deformable convolution without bias: ``(N, in, H, W) -> (N, out, H, W)``.

    Offsets and masks come from a 3x3 convolution of the same input, which starts at zero: at
    first nothing is moved and every mask is 1/2 (Zhu et al. 2019, section 3.2).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, KERNEL, padding=KERNEL // 2, bias=False)
        self.deformation = nn.Conv2d(in_channels, 3 * TAPS, KERNEL, padding=KERNEL // 2)
        nn.init.zeros_(self.deformation.weight)
        if self.deformation.bias is not None:
            nn.init.zeros_(self.deformation.bias)

    def forward(self, x: Tensor) -> Tensor:
        offsets, logits = self.deformation(x).split((2 * TAPS, TAPS), dim=1)
        masks = logits.sigmoid()
        fused = None if _exporting() else torchvision_kernel()
        if fused is None:
            return deform_conv(x, offsets, masks, self.weight)
        return fused(x, offsets, self.weight, padding=(KERNEL // 2, KERNEL // 2), mask=masks)


@cache
def torchvision_kernel() -> Callable[..., Tensor] | None:
    """``torchvision.ops.deform_conv2d`` where torchvision can be imported; it is no dependency."""
    try:
        kernel: Callable[..., Tensor] = import_module("torchvision.ops").deform_conv2d
    except Exception:  # a torchvision built for another torch fails with more than ImportError
        return None
    return kernel


def _exporting() -> bool:
    return torch.compiler.is_compiling() or torch.jit.is_tracing()
