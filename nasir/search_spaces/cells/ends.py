"""The fixed start before the first cell and the fixed ends after the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from nasir.kernels.dilated_depthwise import dilated_depthwise
from nasir.kernels.layout import joined
from nasir.kernels.scaled_inputs import conv2d_of_scaled
from nasir.search_spaces.cells.operations import Activation, PointwiseConv, SeparableConv

START = 64
FEATURES = 128
LOW_LEVEL = 48
ASPP = 64
ASPP_RATE = 16


class Start(nn.Module):
    """A 3x3 convolution with batch normalisation, twice.

    ``(N, in_channels, H, W)`` to h(-2) and h(-1), both ``(N, 64, H, W)``.
    """

    def __init__(self, in_channels: int, affine: bool = True) -> None:
        super().__init__()
        self.first = _normalised(in_channels, START, affine)
        self.second = _normalised(START, START, affine)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first = self.first(x)
        return first, self.second(first)


class Aspp(nn.Module):
    """Atrous spatial pyramid pooling: a 1x1 and separable 3x3 convolutions of several rates.

    ``(N, in_channels, H, W) -> (N, (1 + len(rates)) * channels, H, W)`` (DeepLab version 3,
    without the pooling of the whole picture).
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        rates: Sequence[int],
        affine: bool = True,
        activation: Activation = nn.ReLU,
    ) -> None:
        super().__init__()
        self.out_channels = (1 + len(rates)) * channels
        self.branches = nn.ModuleList(
            [PointwiseConv(in_channels, channels, affine, activation)]
            + [SeparableConv(in_channels, channels, 3, r, affine, activation) for r in rates]
        )

    def forward(self, x: Tensor) -> Tensor:
        return joined([branch(x) for branch in self.branches])

    def by_phases(self, x: Tensor) -> Tensor:
        """:meth:`forward`, with its dilated convolutions as plain ones."""
        branches: Any = self.branches
        point, *others = branches
        made = [point(x)]
        for activation, depthwise, pointwise, norm in others:
            rate = depthwise.dilation[0]
            made.append(norm(pointwise(dilated_depthwise(activation(x), depthwise.weight, rate))))
        return joined(made)


class CompactEnd(nn.Module):
    """The end of a built network, on the last cell's output and the start's low-level features.

    ``(N, in_channels, H, W), (N, 64, H, W) -> (N, out_channels, H, W)``. The former is reduced to
    128 channels by a 1x1 convolution, or by an ASPP with `rates`; the latter to 48.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        activation: Activation = nn.ReLU,
        rates: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.features: nn.Module
        if rates:
            aspp = Aspp(in_channels, FEATURES, rates, activation=activation)
            joined = PointwiseConv(aspp.out_channels, FEATURES, activation=activation)
            self.features = nn.Sequential(aspp, joined)
        else:
            self.features = PointwiseConv(in_channels, FEATURES, activation=activation)
        self.low_level = PointwiseConv(START, LOW_LEVEL, activation=activation)
        self.decoder = nn.Sequential(
            SeparableConv(FEATURES + LOW_LEVEL, FEATURES, 3, activation=activation),
            SeparableConv(FEATURES, FEATURES, 3, activation=activation),
            activation(),
            nn.Conv2d(FEATURES, out_channels, 3, padding=1, bias=False),
        )

    def forward(self, features: Tensor, low_level: Tensor) -> Tensor:
        y: Tensor = self.decoder(joined([self.features(features), self.low_level(low_level)]))
        return y


class SupernetEnd(nn.Module):
    """The end of a supernet: an ASPP for the last cell of every level, concatenated.

    From one ``(N, in_channels[i], H, W)`` a level to ``(N, out_channels, H, W)``.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        affine: bool = True,
        activation: Activation = nn.ReLU,
    ) -> None:
        super().__init__()
        self.aspps: Any = nn.ModuleList(
            Aspp(channels, ASPP, (ASPP_RATE,), affine, activation) for channels in in_channels
        )
        self.fuse: Any = nn.Sequential(
            activation(),
            nn.Conv2d(2 * ASPP * len(in_channels), ASPP, 3, padding=1, bias=False),
            nn.BatchNorm2d(ASPP, affine=affine),
        )
        self.output: Any = nn.Sequential(
            activation(), nn.Conv2d(ASPP, out_channels, 3, padding=1, bias=False)
        )

    def forward(self, features: Sequence[Tensor], weights: Tensor | None = None) -> Tensor:
        """`weights` ``(levels,)`` multiply the outputs of the ASPPs.

        Before the ASPPs, their batch normalisations would undo it.
        """
        made = [aspp(x) for aspp, x in zip(self.aspps, features, strict=True)]
        if weights is not None:
            made = [weight * y for weight, y in zip(weights, made, strict=True)]
        y: Tensor = self.output(self.fuse(joined(made)))
        return y

    def mixed(self, features: Mapping[int, Tensor], weights: Mapping[int, Tensor]) -> Tensor:
        """:meth:`forward` of the places among the levels that are given, with their weights >= 0.

        A rectifier of w y is w times that of y, so that w can be moved behind it.
        """
        activation, convolution, norm = self.fuse
        made = [activation(self.aspps[i].by_phases(x)) for i, x in features.items()]
        kernels = [convolution.weight[:, self.channels(i)] for i in features]
        y = conv2d_of_scaled(made, [weights[i] for i in features], kernels)
        restored: Tensor = self.output(norm(y))
        return restored

    @staticmethod
    def channels(place: int) -> slice:
        """The channels of a level in the input of the convolution ``fuse[1]``."""
        return slice(place * 2 * ASPP, (place + 1) * 2 * ASPP)


def _normalised(in_channels: int, out_channels: int, affine: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels, affine=affine),
    )
