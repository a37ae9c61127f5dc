"""Weighted sums of batch-normalised features.

The normalisation is folded into the weights of the sum. For the backward pass only the features
are kept, not the normalised ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Statistics = tuple[Tensor, Tensor]
"""Mean and 1 / standard deviation of each channel."""


def pixels(x: Tensor) -> Tensor:
    """``(N, C, H, W)`` as ``(N H W, C)``: a view where `x` has its channels last in memory."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


class StackedNorm(nn.BatchNorm2d):
    """Batch normalisations without scale and shift of `parts` features of `width` channels each.

    The features are stacked along the channels. A batch may lack some of them, so each part counts
    its own batches.
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
    def statistics(self, y: Tensor, parts: Sequence[int]) -> Statistics:
        """Mean and 1 / standard deviation of each channel of `y`, a stack of `parts`.

        In training they are those of the batch, which also update the running ones.
        """
        everything = len(parts) == len(self.num_batches_tracked)
        index = slice(None) if everything else self.channels(parts)
        if not self.training:
            mean, variance = self.running_mean[index], self.running_var[index]
            return mean, torch.rsqrt(variance + self.eps)
        counted = slice(None) if everything else list(parts)
        self.num_batches_tracked[counted] += 1
        rate = self._rate(counted)
        count = y.numel() // y.shape[1]
        if everything and isinstance(rate, float) and count > 1:
            running = self.running_mean, self.running_var
            mean, variance = torch.batch_norm_update_stats(y, *running, rate)
        else:
            mean, variance = torch.batch_norm_update_stats(y, None, None, 0.0)
            unbiased = variance * (count / max(count - 1, 1))
            self.running_mean[index] = torch.lerp(self.running_mean[index], mean, rate)
            self.running_var[index] = torch.lerp(self.running_var[index], unbiased, rate)
        return mean, torch.rsqrt(variance + self.eps)

    def _rate(self, counted: slice | list[int]) -> float | Tensor:
        """The share of a running statistic that the batch replaces.

        Without momentum the running statistic is the mean of all batches.
        """
        if self.momentum is not None:
            return self.momentum
        share = 1.0 / self.num_batches_tracked[counted].to(self.running_mean.dtype)
        return share.repeat_interleave(self.width)


def normalised_sum(
    features: Sequence[Tensor],
    norms: Sequence[StackedNorm],
    weights: Sequence[Tensor],
    parts: Sequence[Sequence[int]],
    base: Tensor | None = None,
) -> Tensor:
    """``base + sum_o weights[o] * norms[o](features[o])``, with one weight for each part.

    Each feature is ``(N, P c, H, W)``, a stack of the `P` `parts` of its norm, and its weights are
    ``(P,)``. The norms' mode decides between statistics of the batch and running ones. `base` is
    ``(N, H, W, P c)``; its memory is reused for the result, so it must not be used again.
    """
    found = [
        norm.statistics(y, which) for y, norm, which in zip(features, norms, parts, strict=True)
    ]
    scales = torch.stack(list(weights)).repeat_interleave(norms[0].width, dim=1).to(features[0])
    total = _NormalisedSum.apply(scales, found, norms[0].training, base, *features)
    return total.permute(0, 3, 1, 2)


def normalised_gradient(
    g: Tensor, y: Tensor, statistics: Statistics, scale: Tensor, batch: bool, needed: bool = True
) -> tuple[Tensor | None, Tensor]:
    """Gradients of ``z = scale * (y - mean) * inverse`` by `y`, if `needed`, and by `scale`.

    `g` is the gradient by z, `scale` is ``(C,)``. With `batch`, mean and inverse are those of `y`
    (Ioffe and Szegedy, 2015, section 3).
    """
    mean, inverse = statistics
    running = (None, None) if batch else (mean, inverse**-2)
    by_y, by_scale, _ = torch.ops.aten.native_batch_norm_backward(
        g, y, scale, *running, mean, inverse, batch, 0.0, [needed, True, False]
    )
    return by_y, by_scale


def channelwise(values: Tensor) -> Tensor:
    """``(C,)`` as ``(1, C, 1, 1)``."""
    return values.view(1, -1, 1, 1)


class _NormalisedSum(torch.autograd.Function):
    """The sum of :func:`normalised_sum`, ``(N, H, W, P c)``, with scales ``(features, P c)``."""

    @staticmethod
    def forward(
        ctx: Any,
        scales: Tensor,
        statistics: Sequence[Statistics],
        batch: bool,
        base: Tensor | None,
        *features: Tensor,
    ) -> Tensor:
        ctx.statistics, ctx.batch = statistics, batch
        ctx.save_for_backward(scales, *features)
        slopes = [scale * one[1] for scale, one in zip(scales, statistics, strict=True)]
        level = -sum(slope * one[0] for slope, one in zip(slopes, statistics, strict=True))
        first, *others = zip(features, slopes, strict=True)
        if base is None:
            total = torch.addcmul(channelwise(level), first[0], channelwise(first[1]))
        else:
            ctx.mark_dirty(base)
            total = base.permute(0, 3, 1, 2)
            total.addcmul_(first[0], channelwise(first[1])).add_(channelwise(level))
        for y, slope in others:
            total.addcmul_(y, channelwise(slope))
        return total.permute(0, 2, 3, 1) if base is None else base

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Any, ...]:
        scales, *features = ctx.saved_tensors
        by_base = g if ctx.needs_input_grad[3] else None
        g = g.contiguous().permute(0, 3, 1, 2)
        found = [
            normalised_gradient(g, y, one, scale, ctx.batch, ctx.needs_input_grad[4 + place])
            for place, (y, one, scale) in enumerate(
                zip(features, ctx.statistics, scales, strict=True)
            )
        ]
        by_scales = torch.stack([by_scale for _, by_scale in found])
        return by_scales, None, None, by_base, *(by_y for by_y, _ in found)
