"""Deformable convolution, version 2 (Zhu et al. 2019)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.kernels.choice import exporting, must_repeat, torchvision_deform_conv

KERNEL = 3
TAPS = KERNEL**2


def deform_conv2d(x: Tensor, offsets: Tensor, masks: Tensor, weight: Tensor) -> Tensor:
    """y(p) = sum_k w_k m_k(p) x(p + p_k + dp_k(p)), Zhu et al. 2019, equation 1.

    `x` is ``(N, C, H, W)``, bilinear between pixels and zero outside; p_k runs over the 3x3
    neighbours row by row. `offsets` ``(N, 18, H, W)`` are pixels, down and right in turn for each
    k; `masks` is ``(N, 9, H, W)``, `weight` ``(out, C, 3, 3)``. Returns ``(N, out, H, W)``.
    """
    if must_repeat(x):
        return gathered_conv2d(x, offsets, masks, weight)
    fused = None if exporting() else torchvision_deform_conv()
    if fused is None:
        return sampled_conv2d(x, offsets, masks, weight)
    return fused(x, offsets, weight, padding=(KERNEL // 2, KERNEL // 2), mask=masks)


def sampled_conv2d(x: Tensor, offsets: Tensor, masks: Tensor, weight: Tensor) -> Tensor:
    """:func:`deform_conv2d` by torch's `grid_sample` and a 1x1 convolution of the samples."""
    height, width = x.shape[-2:]
    grid, rows, columns = _grid(offsets, height, width)
    padded = F.pad(x, (0, columns - width, 0, rows - height))
    sampled = F.grid_sample(padded.to(grid.dtype), grid, padding_mode="zeros", align_corners=False)
    return _weighted(sampled.to(x.dtype).unflatten(2, (TAPS, height)), masks, weight)


def gathered_conv2d(x: Tensor, offsets: Tensor, masks: Tensor, weight: Tensor) -> Tensor:
    """:func:`deform_conv2d` by the four pixels around each sample.

    The gradient of pixels that are picked is added in one order also on a GPU; those of
    `grid_sample` and of torchvision's kernel are not.
    """
    count, channels, height, width = x.shape
    table = x.permute(0, 2, 3, 1).reshape(-1, channels)
    first = torch.arange(count, device=x.device).view(count, 1, 1, 1) * (height * width)
    rows, columns = _places(offsets, height, width)
    places, shares = [], []
    for row, down in _neighbours(rows):
        for column, right in _neighbours(columns):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            row_inside, place = row.clamp(0, height - 1), column.clamp(0, width - 1)
            places.append(first + row_inside * width + place)
            shares.append(down * right * inside)
    picked = table[torch.stack(places)] * torch.stack(shares).unsqueeze(-1).to(x.dtype)
    return _weighted(picked.sum(0).permute(0, 4, 1, 2, 3), masks, weight)


def _neighbours(places: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The whole places before and after each, and their bilinear weights."""
    before = places.detach().floor()
    beyond = places - before
    return [(before.long(), 1 - beyond), (before.long() + 1, beyond)]


def _weighted(samples: Tensor, masks: Tensor, weight: Tensor) -> Tensor:
    """The convolution of samples ``(N, C, 9, H, W)``."""
    modulated = samples * masks.unsqueeze(1)
    return F.conv2d(modulated.flatten(1, 2), weight.flatten(1)[..., None, None])


def _places(offsets: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The row and the column of each sample, ``(N, 9, H, W)`` each.

    In single precision at least: half precision cannot hold fractions of a pixel.
    """
    offsets = offsets.to(torch.promote_types(offsets.dtype, torch.float32))
    like: dict[str, Any] = {"device": offsets.device, "dtype": offsets.dtype}
    tap = torch.arange(TAPS, **like).view(TAPS, 1, 1)
    moved = offsets.unflatten(1, (TAPS, 2))
    y = moved[:, :, 0] + tap.div(KERNEL, rounding_mode="floor") - 1
    x = moved[:, :, 1] + tap.remainder(KERNEL) - 1
    return y + torch.arange(height, **like).view(height, 1), x + torch.arange(width, **like)


def _grid(offsets: Tensor, height: int, width: int) -> tuple[Tensor, int, int]:
    """Where to sample, ``(N, 9 H, W, 2)``, -1 to 1 over a picture of the size that follows."""
    y, x = _places(offsets, height, width)
    rows, columns = _sampled_size(height), _sampled_size(width)
    grid = torch.stack([(2 * x + 1) / columns - 1, (2 * y + 1) / rows - 1], dim=-1)
    return grid.flatten(1, 2), rows, columns


def _sampled_size(size: int) -> int:
    """The next power of two, so that whole pixels stay whole when scaled to -1 .. 1 and back.

    At the start of training all samples are at whole pixels. With another size, rounding would
    choose on which side of a pixel the gradient of the offsets is taken. An exported graph takes
    any size and has no gradients.
    """
    return size if exporting() else 1 << (size - 1).bit_length()
