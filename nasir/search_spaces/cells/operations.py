"""The operations between two states of a cell.

An operation is a class registered with the hook ``register_operations`` as ``cell.NAME``. It takes
a number of channels, and whether normalisations scale and shift, and the class of activations; it
maps ``(N, channels, H, W)`` to the same shape. The built-in ones are sequences of an activation, a
convolution without bias and a batch normalisation, once or twice (HiNAS, section 3.1; IR-NAS,
section 3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from nasir.core.registry import registries
from nasir.search_spaces.cells.deformable import DeformableConv2d
from nasir.search_spaces.cells.genotype import SKIP

Activation = Callable[[], nn.Module]
"""A class of activations, called without arguments."""


class CellLeakyReLU(nn.LeakyReLU):
    """Slope 0.2 below zero, as in HiNAS."""

    def __init__(self) -> None:
        super().__init__(0.2)


ACTIVATIONS: Mapping[str, Activation] = {"relu": nn.ReLU, "leaky_relu": CellLeakyReLU}


def operation(
    name: str, channels: int, affine: bool = True, activation: Activation = nn.ReLU
) -> nn.Module:
    """The operation called `name`; `skip` is the identity. `none` is not a module."""
    if name == SKIP:
        return nn.Identity()
    module: nn.Module = registries["operation"].load(f"cell.{name}")(channels, affine, activation)
    return module


class PointwiseConv(nn.Sequential):
    """Activation, 1x1 convolution, batch normalisation: from one number of channels to another."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        affine: bool = True,
        activation: Activation = nn.ReLU,
    ) -> None:
        super().__init__(
            activation(),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels, affine=affine),
        )


class SeparableConv(nn.Sequential):
    """Activation, depth-wise and point-wise convolution, batch normalisation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        dilation: int = 1,
        affine: bool = True,
        activation: Activation = nn.ReLU,
    ) -> None:
        super().__init__(
            activation(),
            nn.Conv2d(
                in_channels,
                in_channels,
                kernel,
                padding=dilation * (kernel // 2),
                dilation=dilation,
                groups=in_channels,
                bias=False,
            ),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels, affine=affine),
        )


class FullConv(nn.Sequential):
    """Activation, convolution of all channels with all, batch normalisation."""

    kernel = 3
    dilation = 1

    def __init__(
        self, channels: int, affine: bool = True, activation: Activation = nn.ReLU
    ) -> None:
        super().__init__(
            activation(),
            nn.Conv2d(
                channels,
                channels,
                self.kernel,
                padding=self.dilation * (self.kernel // 2),
                dilation=self.dilation,
                bias=False,
            ),
            nn.BatchNorm2d(channels, affine=affine),
        )


class Conv3(FullConv):
    """3x3 convolution."""


class Dil3(FullConv):
    """3x3 convolution with rate 2."""

    dilation = 2


class Dil5(FullConv):
    """5x5 convolution with rate 2."""

    kernel = 5
    dilation = 2


class TwoSeparable(nn.Sequential):
    """Twice: activation, depth-wise and point-wise convolution, batch normalisation."""

    kernel = 3

    def __init__(
        self, channels: int, affine: bool = True, activation: Activation = nn.ReLU
    ) -> None:
        once, again = (
            SeparableConv(channels, channels, self.kernel, affine=affine, activation=activation)
            for _ in range(2)
        )
        super().__init__(*once, *again)


class Sep3(TwoSeparable):
    """3x3 separable convolution, twice."""


class Sep5(TwoSeparable):
    """5x5 separable convolution, twice."""

    kernel = 5


class Def3(nn.Sequential):
    """3x3 deformable convolution, version 2."""

    def __init__(
        self, channels: int, affine: bool = True, activation: Activation = nn.ReLU
    ) -> None:
        super().__init__(
            activation(),
            DeformableConv2d(channels, channels),
            nn.BatchNorm2d(channels, affine=affine),
        )
