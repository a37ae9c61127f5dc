"""A dilated depth-wise convolution as plain ones on every `rate`-th pixel."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def dilated_depthwise(x: Tensor, weight: Tensor, rate: int) -> Tensor:
    """``F.conv2d(x, weight, padding=rate * (k // 2), dilation=rate, groups=C)``.

    ``(N, C, H, W)`` to the same shape, with weights ``(C, 1, k, k)`` of odd k. The pixels of equal
    row and column modulo the rate form rate x rate small pictures, on which the kernel is not
    dilated. CPUs have no fast dilated depth-wise convolution.
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
