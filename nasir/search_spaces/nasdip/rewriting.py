"""Which kernels compute the transforms of NAS-DIP: the same functions, in faster forms.

A transform that is not registered here, such as a plugin's, is computed as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import singledispatch

import torch
from torch import Tensor, nn

from nasir.kernels.convolution_sum import Convolution, sum_of_modules
from nasir.kernels.nearest_conv import nearest_conv2d
from nasir.search_spaces.nasdip.transform import (
    STACKED,
    Conv,
    DepthWiseConv,
    SeparableConv,
    SplitStackSum,
)


@singledispatch
def after_nearest(transform: nn.Module, x: Tensor) -> Tensor:
    """``transform(nearest(x))``, ``(N, C, H, W) -> (N, C', 2H, 2W)``."""
    y: Tensor = transform(x.repeat_interleave(2, -2).repeat_interleave(2, -1))
    return y


@after_nearest.register
def _(transform: Conv, x: Tensor) -> Tensor:
    return nearest_conv2d(x, transform.conv)


@after_nearest.register
def _(transform: SplitStackSum, x: Tensor) -> Tensor:
    return nearest_conv2d(transform.stacked_sum(x), transform.conv)


@singledispatch
def as_convolution(module: nn.Module) -> Convolution | None:
    """The convolution that is the same function; None where there is none."""
    return None


@as_convolution.register
def _(module: Conv) -> Convolution:
    return Convolution(module.conv.weight, module.conv.dilation[0])


@as_convolution.register
def _(module: SplitStackSum) -> Convolution:
    return Convolution(module.conv.weight.repeat_interleave(STACKED, 1), module.conv.dilation[0])


@as_convolution.register
def _(module: SeparableConv) -> Convolution:
    kernel = module.point_wise.weight * module.depth_wise.weight.transpose(0, 1)
    return Convolution(kernel, module.depth_wise.dilation[0])


@as_convolution.register
def _(module: DepthWiseConv) -> Convolution:
    kernels = module.conv.weight.squeeze(1)  # (C, k, k), one for each channel
    kernel = torch.diag_embed(kernels.permute(1, 2, 0)).permute(2, 3, 0, 1)
    return Convolution(kernel, module.conv.dilation[0])


def weighted_sum(terms: Sequence[tuple[Tensor, nn.Module]]) -> Callable[[Tensor], Tensor]:
    """``sum_i w_i M_i(x)`` as a function of x."""
    return sum_of_modules([(weight, module, as_convolution(module)) for weight, module in terms])
