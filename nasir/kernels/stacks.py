"""Several operations of the same layers on one feature, computed as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.kernels.normalised_sum import StackedNorm
from nasir.kernels.separable import normed_separable, spread_separable


class FullStack(nn.Module):
    """P times activation, convolution, batch norm: one convolution of P c channels.

    The normalisation is left to :func:`~nasir.kernels.normalised_sum.normalised_sum`.
    """

    def __init__(self, operations: Sequence[Any]) -> None:
        super().__init__()
        _, convolutions, _ = _places(operations)
        first = convolutions[0]
        self.weight = nn.Parameter(torch.cat([c.weight.detach() for c in convolutions]))
        self.dilation, self.padding = first.dilation, first.padding
        self.negative_slope = negative_slope(operations[0][0])
        self.norm = StackedNorm(len(operations), first.out_channels)

    @staticmethod
    def holds(operation: Any) -> bool:
        """Whether `operation` is such a chain of layers."""
        return kinds(operation) == "acn" and _keeps_size(operation[1], groups=1)

    def forward(self, a: Tensor, parts: Sequence[int]) -> Tensor:
        """From an activated feature ``(N, c, H, W)`` to ``(N, P c, H, W)`` of the P `parts`."""
        weight: Tensor = self.weight
        if len(parts) * self.norm.width < len(weight):
            weight = weight[self.norm.channels(parts)]
        return F.conv2d(a, weight, None, 1, self.padding, self.dilation)

    def weights_of(self, part: int) -> list[Tensor]:
        """The weights of the convolutions of one part, in order."""
        return [self.weight.detach()[self.norm.channels([part])]]

    def norms(self) -> list[StackedNorm]:
        """The normalisations, in order."""
        return [self.norm]


class SeparableStack(nn.Module):
    """P times (activation, depth-wise and point-wise convolution, batch norm) twice.

    The last normalisation is left to :func:`~nasir.kernels.normalised_sum.normalised_sum`.
    """

    def __init__(self, operations: Sequence[Any]) -> None:
        super().__init__()
        _, depthwise1, pointwise1, _, _, depthwise2, pointwise2, _ = _places(operations)
        self.depthwise1, self.depthwise2 = (
            nn.Parameter(torch.cat([c.weight.detach() for c in stage]))
            for stage in (depthwise1, depthwise2)
        )
        self.pointwise1, self.pointwise2 = (
            nn.Parameter(torch.stack([c.weight.detach().flatten(1) for c in stage]))
            for stage in (pointwise1, pointwise2)
        )
        self.negative_slope = negative_slope(operations[0][0])
        width = pointwise2[0].out_channels
        self.norm1 = StackedNorm(len(operations), width)
        self.norm = StackedNorm(len(operations), width)

    @staticmethod
    def holds(operation: Any) -> bool:
        """Whether `operation` is such a chain of layers."""
        return kinds(operation) == "accnaccn" and all(
            _keeps_size(operation[start + 1], groups=operation[start + 1].in_channels)
            and operation[start + 1].dilation == (1, 1)
            and _keeps_size(operation[start + 2], groups=1)
            and operation[start + 2].kernel_size == (1, 1)
            and negative_slope(operation[start]) == negative_slope(operation[0])
            for start in (0, 4)
        )

    def forward(self, a: Tensor, parts: Sequence[int]) -> Tensor:
        """From an activated feature ``(N, c, H, W)`` to ``(N, P c, H, W)`` of the P `parts`."""
        weights: list[Tensor] = [self.depthwise1, self.pointwise1, self.depthwise2, self.pointwise2]
        if len(parts) < len(self.pointwise1):
            channels = self.norm.channels(parts)
            weights = [w[channels if w.dim() == 4 else list(parts)] for w in weights]
        z = spread_separable(a, *weights[:2])
        statistics = self.norm1.statistics(z, parts)
        return normed_separable(z, statistics, self.training, self.negative_slope, *weights[2:])

    def weights_of(self, part: int) -> list[Tensor]:
        """The weights of the convolutions of one part, in order."""
        channels = self.norm.channels([part])
        stages = ((self.depthwise1, self.pointwise1), (self.depthwise2, self.pointwise2))
        return [
            weight
            for depthwise, pointwise in stages
            for weight in (
                depthwise.detach()[channels],
                pointwise.detach()[part, :, :, None, None],
            )
        ]

    def norms(self) -> list[StackedNorm]:
        """The normalisations, in order."""
        return [self.norm1, self.norm]


def kinds(operation: nn.Module) -> str:
    """What a chain of modules is made of: a(ctivation), c(onvolution), n(ormalisation), ?."""
    if type(operation).forward is not nn.Sequential.forward:
        return "?"
    return "".join(_kind(module) for module in operation.children())


def _kind(module: nn.Module) -> str:
    if isinstance(module, nn.ReLU | nn.LeakyReLU):
        return "a"
    return {nn.Conv2d: "c", nn.BatchNorm2d: "n"}.get(type(module), "?")


def negative_slope(activation: nn.Module) -> float:
    """The slope below zero of a rectifier."""
    return getattr(activation, "negative_slope", 0.0)


def _keeps_size(convolution: nn.Conv2d, groups: int) -> bool:
    kernel, dilation = convolution.kernel_size, convolution.dilation
    return (
        convolution.groups == groups
        and convolution.bias is None
        and convolution.stride == (1, 1)
        and convolution.padding_mode == "zeros"
        and convolution.padding
        == tuple(d * (k // 2) for k, d in zip(kernel, dilation, strict=True))
        and kernel[0] == kernel[1]
        and kernel[0] % 2 == 1
    )


def _places(operations: Sequence[Any]) -> list[list[Any]]:
    """The modules of all operations, place by place."""
    return [list(place) for place in zip(*operations, strict=True)]
