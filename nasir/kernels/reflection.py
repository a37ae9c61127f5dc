"""Reflected borders of feature maps of any size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.kernels.choice import must_repeat


def reflect(x: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    """Pad ``(N, C, H, W)`` by reflection, repeatedly where a border is wider than `x`."""
    if must_repeat(x):
        return joined(joined(x, top, bottom, -2), left, right, -1)
    height, width = x.shape[-2:]
    if max(left, right) < width and max(top, bottom) < height:
        return F.pad(x, (left, right, top, bottom), mode="reflect")
    x = x.index_select(-2, _reflected(height, top, bottom, x.device))
    return x.index_select(-1, _reflected(width, left, right, x.device))


def joined(x: Tensor, before: int, after: int, dim: int) -> Tensor:
    """Pad along `dim` by joining mirrored parts.

    Torch's backward passes of padding and of indexing add in any order on a GPU; that of this one
    adds each part once.
    """
    if not (before or after):
        return x
    return torch.cat(
        [_mirrored(x, before, dim), x, _mirrored(x.flip(dim), after, dim).flip(dim)], dim
    )


def _mirrored(x: Tensor, count: int, dim: int) -> Tensor:
    """The `count` pixels before `x`: it is mirrored at its border again and again."""
    size = x.shape[dim]
    if size == 1:
        return torch.cat([x] * count, dim) if count else x.narrow(dim, 0, 0)
    y = x
    while (missing := count - (y.shape[dim] - size)) > 0:
        near = y.narrow(dim, 1, min(missing, y.shape[dim] - 1))
        y = torch.cat([near.flip(dim), y], dim)
    return y.narrow(dim, 0, count)


def _reflected(size: int, before: int, after: int, device: torch.device) -> Tensor:
    """The indices of ``0 .. size-1`` and their mirror images on both sides."""
    period = max(1, 2 * (size - 1))
    places = torch.arange(-before, size + after, device=device).remainder(period)
    return torch.minimum(places, period - places).clamp(max=size - 1)


class ReflectedConv2d(nn.Conv2d):
    """Convolution that keeps the size (or halves it, at stride 2), with reflected borders."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel, stride, 0, dilation, groups=groups, bias=bias
        )
        self.border = dilation * (kernel - 1) // 2

    def forward(self, x: Tensor) -> Tensor:
        if self.border:
            x = reflect(x, self.border, self.border, self.border, self.border)
        return super().forward(x)


class AnySize(nn.Module):
    """Lets a network that halves its input `depth` times take every height and width.

    The input is reflected to a multiple of 2^depth, at least 2^(depth+1) so that the coarsest
    map is 2 x 2 or more, and the output is cropped back.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.multiple = 2**depth

    def padding(self, size: int) -> tuple[int, int]:
        """Pixels to add before and after `size` pixels."""
        whole = max(2, -(-size // self.multiple)) * self.multiple
        return (whole - size) // 2, (whole - size + 1) // 2

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.padding(x.shape[-1])
        top, bottom = self.padding(x.shape[-2])
        return reflect(x, left, right, top, bottom) if left + right + top + bottom else x

    def crop(self, y: Tensor, height: int, width: int) -> Tensor:
        """The part of `y` that belongs to an input of `height` x `width`."""
        top, left = self.padding(height)[0], self.padding(width)[0]
        return y[..., top : top + height, left : left + width]
