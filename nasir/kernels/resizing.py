"""Feature maps at twice their size.

Torch's backward passes of bilinear and bicubic resizing add in any order on a GPU. Resizing is a
fixed linear map along rows and along columns: as products with two matrices, its order is fixed.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.kernels.choice import must_repeat

Mode = Literal["nearest", "bilinear", "bicubic"]


def twice(x: Tensor, mode: Mode) -> Tensor:
    """`x` at twice its size: ``(N, C, H, W) -> (N, C, 2 H, 2 W)``, corners not aligned."""
    if mode == "nearest":
        return F.interpolate(x, scale_factor=2, mode=mode)
    if must_repeat(x):
        return by_products(x, mode)
    return F.interpolate(x, scale_factor=2, mode=mode, align_corners=False)


def by_products(x: Tensor, mode: Mode) -> Tensor:
    """:func:`twice` in an order of additions that never changes."""
    rows, columns = (_matrix(mode, size, x.device, x.dtype) for size in x.shape[-2:])
    with torch.autocast(x.device.type, enabled=False):
        return rows @ (x @ columns.T)


@cache
def _matrix(mode: Mode, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """``(2 size, size)``: what resizing makes of a line's unit vectors."""
    with torch.inference_mode(False), torch.autocast("cpu", enabled=False):
        units = torch.eye(size, dtype=torch.float64)[None, :, :, None]
        resized = F.interpolate(units, scale_factor=(2, 1), mode=mode, align_corners=False)
        return resized[0, :, :, 0].T.to(device, dtype).contiguous()
