"""Ways of transforming features (NAS-DIP section 3.2); none but trans_conv has a bias."""

from __future__ import annotations

from torch import Tensor, nn

from nasir.kernels.reflection import ReflectedConv2d
from nasir.search_spaces.nasdip.operations import Transform

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
        return self.conv(self.stacked_sum(x))

    @staticmethod
    def stacked_sum(x: Tensor) -> Tensor:
        """``(N, 4 C, H, W)`` to ``(N, C, H, W)``."""
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


class Identity(Transform):
    """No transform."""

    takes_kernel = False

    @classmethod
    def fits(cls, in_channels: int, out_channels: int) -> bool:
        return in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        return x


class CellLeakyReLU(nn.LeakyReLU):
    """Leaky ReLU of slope 0.2."""

    def __init__(self) -> None:
        super().__init__(0.2)
