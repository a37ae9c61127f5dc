"""Dilated depth-wise convolutions by way of plain ones."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def dilated_depthwise(x: Tensor, weight: Tensor, rate: int) -> Tensor:
    """Every channel of `x` convolved with its own kernel, whose taps are `rate` pixels apart.

    ``(N, C, H, W)`` to the same, zero outside, with weights ``(C, 1, k, k)`` of odd k. Pixels that
    are a multiple of the rate apart form rate x rate pictures of their own, on which the kernel is
    a dense one: CPUs have no fast dilated depth-wise convolution.
    """
    batch, channels, height, width = x.shape
    x = F.pad(x.permute(0, 2, 3, 1), (0, 0, 0, -width % rate, 0, -height % rate))
    rows, columns = x.shape[1] // rate, x.shape[2] // rate
    phases = x.reshape(batch, rows, rate, columns, rate, channels).permute(0, 2, 4, 1, 3, 5)
    phases = phases.reshape(-1, rows, columns, channels).permute(0, 3, 1, 2)
    y = F.conv2d(phases, weight, None, 1, weight.shape[-1] // 2, 1, channels)
    y = y.permute(0, 2, 3, 1).reshape(batch, rate, rate, rows, columns, channels)
    y = y.permute(0, 3, 1, 4, 2, 5).reshape(batch, rows * rate, columns * rate, channels)
    return y[:, :height, :width].permute(0, 3, 1, 2)
