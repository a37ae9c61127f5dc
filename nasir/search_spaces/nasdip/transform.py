"""Ways of transforming features (NAS-DIP section 3.2); none but trans_conv has a bias."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nasir.kernels.nearest_conv import nearest_conv2d
from nasir.search_spaces.nasdip.operations import Transform
from nasir.search_spaces.reflection import ReflectedConv2d

STACKED = 4
"""How many consecutive channels ``split_stack_sum`` adds up."""


class Conv(Transform):
    """2-D convolution."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int) -> None:
        super().__init__(in_channels, out_channels, kernel, dilation)
        self.conv = ReflectedConv2d(
            in_channels, out_channels, kernel, dilation=dilation, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)

    def after_nearest(self, x: Tensor) -> Tensor:
        return nearest_conv2d(x, self.conv)

    def as_convolution(self) -> tuple[Tensor, int]:
        return self.conv.weight, self.conv.dilation[0]


class TransposedConv(Transform):
    """Transposed convolution of stride 1."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int) -> None:
        super().__init__(in_channels, out_channels, kernel, dilation)
        border = dilation * (kernel - 1) // 2
        self.conv = nn.ConvTranspose2d(
            in_channels, out_channels, kernel, padding=border, dilation=dilation
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class SplitStackSum(Transform):
    """The sums of every 4 consecutive channels (bilinear additive upsampling), convolved."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int) -> None:
        super().__init__(in_channels, out_channels, kernel, dilation)
        self.conv = ReflectedConv2d(
            in_channels // STACKED, out_channels, kernel, dilation=dilation, bias=False
        )

    @classmethod
    def fits(cls, in_channels: int, out_channels: int) -> bool:
        return in_channels % STACKED == 0

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self._stacked_sum(x))

    def after_nearest(self, x: Tensor) -> Tensor:
        return nearest_conv2d(self._stacked_sum(x), self.conv)

    def as_convolution(self) -> tuple[Tensor, int]:
        return self.conv.weight.repeat_interleave(STACKED, 1), self.conv.dilation[0]

    def _stacked_sum(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (-1, STACKED)).sum(2)


class SeparableConv(Transform):
    """Depth-wise convolution, then a 1x1 convolution."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int) -> None:
        super().__init__(in_channels, out_channels, kernel, dilation)
        self.depth_wise = ReflectedConv2d(
            in_channels, in_channels, kernel, dilation=dilation, groups=in_channels, bias=False
        )
        self.point_wise = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.point_wise(self.depth_wise(x))

    def as_convolution(self) -> tuple[Tensor, int]:
        kernel = self.point_wise.weight * self.depth_wise.weight.transpose(0, 1)
        return kernel, self.depth_wise.dilation[0]


class DepthWiseConv(Transform):
    """Depth-wise convolution: each channel by itself."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int) -> None:
        super().__init__(in_channels, out_channels, kernel, dilation)
        self.conv = ReflectedConv2d(
            in_channels, out_channels, kernel, dilation=dilation, groups=in_channels, bias=False
        )

    @classmethod
    def fits(cls, in_channels: int, out_channels: int) -> bool:
        return in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)

    def as_convolution(self) -> tuple[Tensor, int]:
        return _each_alone(self.conv.weight.squeeze(1)), self.conv.dilation[0]


class Identity(Transform):
    """No transform."""

    takes_kernel = False

    @classmethod
    def fits(cls, in_channels: int, out_channels: int) -> bool:
        return in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        return x


def _each_alone(kernels: Tensor) -> Tensor:
    """Kernels ``(C, k, k)`` of single channels as ``(C, C, k, k)``, zero between channels."""
    return torch.diag_embed(kernels.permute(1, 2, 0)).permute(2, 3, 0, 1)


class CellLeakyReLU(nn.LeakyReLU):
    """Leaky ReLU of slope 0.2."""

    def __init__(self) -> None:
        super().__init__(0.2)
