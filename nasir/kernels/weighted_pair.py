"""The weighted sum of two features, forward and backward in few passes over them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def weighted_pair(weights: Tensor, p: Tensor, f: Tensor) -> Tensor:
    """``weights[0] * p + weights[1] * f`` of features of one shape."""
    total: Tensor = _WeightedPair.apply(weights, p, f)
    return total


class _WeightedPair(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, p: Tensor, f: Tensor) -> Tensor:
        ctx.save_for_backward(weights, p, f)
        w0, w1 = weights.unbind()
        return torch.addcmul(p * w0, f, w1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, p, f = ctx.saved_tensors
        w0, w1 = weights.unbind()
        by_weights = None
        if ctx.needs_input_grad[0]:
            by_weights = torch.stack([(gradient * y).sum() for y in (p, f)])
        return by_weights, gradient * w0, gradient * w1
