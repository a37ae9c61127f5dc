"""Weighted sums of batch-normalised features that keep nothing but the features themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def pixels(x: Tensor) -> Tensor:
    """``(N, C, H, W)`` as ``(N H W, C)``: a view where `x` has its channels last in memory."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


class StackedNorm(nn.BatchNorm2d):
    """Batch normalisations without scale and shift of `parts` features of `width` channels each.

    The features lie one after another in a stack of channels, and any of them may be absent from
    a batch: each part counts its own batches.
    """

    num_batches_tracked: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, parts: int, width: int) -> None:
        super().__init__(parts * width, affine=False)
        self.width = width
        self.num_batches_tracked = torch.zeros(parts, dtype=torch.long)

    def channels(self, parts: Sequence[int]) -> Tensor:
        """The channels of some parts."""
        first = torch.tensor(parts, device=self.running_mean.device) * self.width
        return (first[:, None] + torch.arange(self.width, device=first.device)).flatten()

    @torch.no_grad()
    def statistics(self, y: Tensor, parts: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Mean and 1 / standard deviation of each channel of `y`, a stack of `parts`.

        Those of the batch in training, when they also go into the running ones.
        """
        everything = len(parts) == len(self.num_batches_tracked)
        index = slice(None) if everything else self.channels(parts)
        if not self.training:
            mean, variance = self.running_mean[index], self.running_var[index]
            return mean, torch.rsqrt(variance + self.eps)
        mean, variance = torch.batch_norm_update_stats(y, None, None, 0.0)
        counted = slice(None) if everything else list(parts)
        self.num_batches_tracked[counted] += 1
        rate = self._rate(counted)
        count = y.numel() // y.shape[1]
        unbiased = variance * (count / max(count - 1, 1))
        self.running_mean[index] = torch.lerp(self.running_mean[index], mean, rate)
        self.running_var[index] = torch.lerp(self.running_var[index], unbiased, rate)
        return mean, torch.rsqrt(variance + self.eps)

    def _rate(self, counted: slice | list[int]) -> float | Tensor:
        """How much of a running statistic the batch replaces; a mean of all without momentum."""
        if self.momentum is not None:
            return self.momentum
        share = 1.0 / self.num_batches_tracked[counted].to(self.running_mean.dtype)
        return share.repeat_interleave(self.width)


def mixture(
    features: Sequence[Tensor],
    norms: Sequence[StackedNorm],
    weights: Sequence[Tensor],
    parts: Sequence[Sequence[int]],
    base: Tensor | None = None,
) -> Tensor:
    """``base + sum_o weights[o] * norms[o](features[o])``, with one weight for each part.

    Each feature is ``(N, P c, H, W)``, a stack of the `P` `parts` of its norm (in training or
    evaluation mode as that is), and its weights are ``(P,)``. `features` and `base` must not be
    used again: `base` becomes the result, and the backward pass, which can be done once only,
    writes the gradients over the features.
    """
    found = [
        norm.statistics(y, which) for y, norm, which in zip(features, norms, parts, strict=True)
    ]
    scales = torch.stack(list(weights)).repeat_interleave(norms[0].width, dim=1)
    return _Mixture.apply(scales, found, norms[0].training, base, *features)


def normalised_gradient(
    g: Tensor, total: Tensor, y: Tensor, mean: Tensor, inverse: Tensor, scale: Tensor, batch: bool
) -> tuple[Tensor, Tensor]:
    """Gradients of ``z = scale * (y - mean) * inverse`` by `scale`, ``(C,)``, and by `y`.

    `g` is the gradient by z and `total` its sum over pixels. With `batch`, mean and inverse are
    those of `y` (Ioffe and Szegedy, 2015, section 3). The second is written over `y`.
    """
    count = y.numel() // y.shape[1]
    by_scale = inverse * (pixels(g * y).sum(0) - mean * total)
    slope = scale * inverse
    if not batch:
        return by_scale, torch.mul(g, channelwise(slope), out=y)
    bend = -slope * inverse * by_scale / count
    level = -slope * total / count - bend * mean
    torch.addcmul(channelwise(level), y, channelwise(bend), out=y)
    return by_scale, y.addcmul_(g, channelwise(slope))


def channelwise(values: Tensor) -> Tensor:
    """``(C,)`` as ``(1, C, 1, 1)``."""
    return values.view(1, -1, 1, 1)


class _Mixture(torch.autograd.Function):
    """The sum of :func:`mixture` with scales ``(features, P c)``."""

    @staticmethod
    def forward(
        ctx: Any,
        scales: Tensor,
        statistics: Sequence[tuple[Tensor, Tensor]],
        batch: bool,
        base: Tensor | None,
        *features: Tensor,
    ) -> Tensor:
        ctx.statistics, ctx.batch = statistics, batch
        ctx.save_for_backward(scales, *features)
        shift = torch.zeros_like(scales[0])
        total = base
        for scale, (mean, inverse), y in zip(scales, statistics, features, strict=True):
            slope = scale * inverse
            shift -= slope * mean
            if total is None:
                total = y * channelwise(slope)
            else:
                total.addcmul_(y, channelwise(slope))
        assert total is not None
        if base is not None:
            ctx.mark_dirty(base)
        return total.add_(channelwise(shift))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Any, ...]:
        scales, *features = ctx.saved_tensors
        g = g.contiguous(memory_format=torch.channels_last)
        total = pixels(g).sum(0)
        by_scales = torch.empty_like(scales)
        by_features: list[Tensor | None] = []
        for o, (y, (mean, inverse)) in enumerate(zip(features, ctx.statistics, strict=True)):
            if ctx.needs_input_grad[4 + o]:
                by_scales[o], by_y = normalised_gradient(
                    g, total, y, mean, inverse, scales[o], ctx.batch
                )
                by_features.append(by_y)
            else:
                by_scales[o] = inverse * (pixels(g * y).sum(0) - mean * total)
                by_features.append(None)
        by_base = g if ctx.needs_input_grad[3] else None
        return by_scales, None, None, by_base, *by_features
