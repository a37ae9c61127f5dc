"""Stacks of separable convolutions.

For the backward pass only their inputs are kept; what is between is computed again.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from nasir.kernels.normalised_sum import Statistics, channelwise, normalised_gradient, pixels


def spread_separable(a: Tensor, depthwise: Tensor, pointwise: Tensor) -> Tensor:
    """P separable convolutions of one activated feature.

    `a` is ``(N, c, H, W)``, `depthwise` ``(P c, 1, k, k)``, `pointwise` ``(P, c, c)`` from the
    second index's channels to the first's; the result is ``(N, P c, H, W)``.
    """
    return _Spread.apply(a, depthwise, pointwise)


def normed_separable(
    z: Tensor,
    statistics: Statistics,
    batch: bool,
    negative_slope: float,
    depthwise: Tensor,
    pointwise: Tensor,
) -> Tensor:
    """P separable convolutions, each of its own part of the normalised and activated `z`.

    `z` is ``(N, P c, H, W)``. With `batch`, `statistics` are those of this `z`, and gradients pass
    through them. The weights are as in :func:`spread_separable`.
    """
    return _Normed.apply(z, statistics, batch, negative_slope, depthwise, pointwise)


def _repeated(a: Tensor, count: int) -> Tensor:
    return torch.cat([a] * count, 1)


def _depthwise(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(x, weight, None, 1, weight.shape[-1] // 2, 1, len(weight))


def _parts(x: Tensor, count: int) -> Tensor:
    """``(N, P c, H, W)`` as P matrices of pixels, ``(P, N H W, c)``."""
    x = pixels(x)
    return x.view(len(x), count, -1).transpose(0, 1)


def _pointwise(x: Tensor, weight: Tensor) -> Tensor:
    y = torch.empty_like(x, memory_format=torch.channels_last)
    torch.bmm(_parts(x, len(weight)), weight.transpose(1, 2), out=_parts(y, len(weight)))
    return y


def _backward(
    g: Tensor, x: Tensor, depthwise: Tensor, pointwise: Tensor, needs: tuple[bool, bool, bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Gradients by `x` and both weights, None for those that are not needed."""
    by_pointwise = None
    if needs[2]:
        between = _parts(_depthwise(x, depthwise), len(pointwise))
        by_pointwise = _parts(g, len(pointwise)).transpose(1, 2) @ between
    g = _pointwise(g, pointwise.transpose(1, 2))
    by_depthwise = _by_depthwise(g, x, depthwise) if needs[1] else None
    beside = depthwise.shape[-1] // 2
    by_x = _convolution_backward(g, x, depthwise, beside, (True, False))[0] if needs[0] else None
    return by_x, by_depthwise, by_pointwise


def _by_depthwise(g: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """The gradient by the weight, at most three of the kernel's columns at a time.

    Wider depth-wise kernels have no fast weight gradient on CPUs: 5 x 5 in two parts takes a
    sixth of the time.
    """
    side = weight.shape[-1]
    if side <= 3:
        return _convolution_backward(g, x, weight, side // 2, (False, True))[1]
    gradient = torch.empty_like(weight)
    for first in {min(column, side - 3) for column in range(0, side, 3)}:
        columns = slice(first, first + 3)
        seen = _beside_zeros(x, side // 2 - first, first + 2 - side // 2)
        part = _convolution_backward(g, seen, weight[..., columns], 0, (False, True))[1]
        gradient[..., columns] = part
    return gradient


def _beside_zeros(x: Tensor, left: int, right: int) -> Tensor:
    """`x` with `left` and `right` columns of zeros added, or cut off where negative.

    Equal to :func:`torch.nn.functional.pad`, which is slower: it first fills everything with zeros.
    """
    batch, channels, height, width = x.shape
    shape = (batch, channels, height, width + left + right)
    y = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    kept = slice(max(left, 0), width + left + min(right, 0))
    y[..., : kept.start] = 0
    y[..., kept.stop :] = 0
    y[..., kept] = x[..., max(-left, 0) : width - max(-right, 0)]
    return y


def _convolution_backward(
    g: Tensor, x: Tensor, weight: Tensor, beside: int, needs: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """Gradients by `x` and `weight`; rows are padded to keep the size, columns by `beside`."""
    padding = [weight.shape[-2] // 2, beside]
    by_x, by_weight, _ = torch.ops.aten.convolution_backward(
        g, x, weight, None, [1, 1], padding, [1, 1], False, [0, 0], len(weight), [*needs, False]
    )
    return by_x, by_weight


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, depthwise: Tensor, pointwise: Tensor) -> Tensor:
        ctx.save_for_backward(a, depthwise, pointwise)
        return _pointwise(_depthwise(_repeated(a, len(pointwise)), depthwise), pointwise)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Any, ...]:
        a, depthwise, pointwise = ctx.saved_tensors
        # Where no weight wants a gradient, only the size of x matters.
        x = _repeated(a, len(pointwise)) if any(ctx.needs_input_grad[1:]) else g
        by_x, *by_weights = _backward(g, x, depthwise, pointwise, ctx.needs_input_grad)
        by_a = None if by_x is None else sum(by_x.split(a.shape[1], 1))
        return by_a, *by_weights


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        z: Tensor,
        statistics: Statistics,
        batch: bool,
        negative_slope: float,
        depthwise: Tensor,
        pointwise: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(z, depthwise, pointwise)
        ctx.statistics, ctx.batch, ctx.negative_slope = statistics, batch, negative_slope
        return _pointwise(
            _depthwise(_activated(z, statistics, negative_slope), depthwise), pointwise
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Any, ...]:
        z, depthwise, pointwise = ctx.saved_tensors
        x = _activated(z, ctx.statistics, ctx.negative_slope)
        needs = (ctx.needs_input_grad[0], *ctx.needs_input_grad[4:])
        by_x, *by_weights = _backward(g, x, depthwise, pointwise, needs)
        by_z = None
        if by_x is not None:
            torch.ops.aten.leaky_relu_backward.grad_input(
                by_x, x, ctx.negative_slope, True, grad_input=by_x
            )
            ones = torch.ones_like(ctx.statistics[0])
            by_z, _ = normalised_gradient(by_x, z, ctx.statistics, ones, ctx.batch)
        return by_z, None, None, None, *by_weights


def _activated(z: Tensor, statistics: Statistics, negative_slope: float) -> Tensor:
    mean, inverse = statistics
    normal = torch.addcmul(channelwise(-mean * inverse), z, channelwise(inverse))
    return F.leaky_relu_(normal, negative_slope)
