"""The convolutional blocks of CLEARER's modules."""

from __future__ import annotations

from torch import Tensor, nn

EXPANSION = 4
"""Channels of a bottleneck's output, in multiples of those of its middle."""

INITIAL_DEVIATION = 0.001
"""Convolutions start at zero mean with this standard deviation."""


class ConvNorm(nn.Sequential):
    """Convolution without bias that keeps or, at stride 2, halves the size; batch norm."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(out_channels),
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions f and the input: relu(x + f(x))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = ConvNorm(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).relu_()).add_(x).relu_()


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution, the last to `EXPANSION` times `width`; relu(x + f(x)).

    If the input has another number of channels, x passes a 1x1 convolution.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        out_channels = EXPANSION * width
        self.reduce = ConvNorm(in_channels, width, 1)
        self.middle = ConvNorm(width, width, 3)
        self.expand = ConvNorm(width, out_channels, 1)
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else ConvNorm(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(self.middle(self.reduce(x).relu_()).relu_())
        return y.add_(self.shortcut(x)).relu_()


def start_small(network: nn.Module) -> None:
    """Draw the weights of all convolutions anew from N(0, 0.001^2); their biases are zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=INITIAL_DEVIATION)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
