"""Reflected borders of feature maps of any size."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nasir.kernels.choice import must_repeat


def reflect(x: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    """Pad ``(N, C, H, W)`` by reflection, repeatedly where a border is wider than `x`."""
    height, width = x.shape[-2:]
    if not must_repeat(x) and max(left, right) < width and max(top, bottom) < height:
        return F.pad(x, (left, right, top, bottom), mode="reflect")
    return in_turn(in_turn(x, left, right, -1), top, bottom, -2)


def in_turn(x: Tensor, before: int, after: int, dim: int) -> Tensor:
    """Pad along `dim`, -1 or -2, so that each pixel is mirrored at most once in a pass.

    Torch's backward pass of reflection adds in any order on a GPU. Here it adds two numbers at
    most, of which the order does not matter.
    """
    size = x.shape[dim]
    if size == 1:
        sizes = list(x.shape)
        sizes[dim] = before + 1 + after
        return x.expand(sizes)
    if before + after < size - 1:
        return _padded(x, before, after, dim)
    while before or after:
        first = min(before, size - 1)
        last = 0 if before else min(after, size - 1)
        x = _padded(x, first, last, dim)
        before, after = before - first, after - last
    return x


def _padded(x: Tensor, before: int, after: int, dim: int) -> Tensor:
    border = (before, after, 0, 0) if dim == -1 else (0, 0, before, after)
    return F.pad(x, border, mode="reflect") if before or after else x


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
