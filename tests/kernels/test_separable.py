from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.kernels.normalised_sum import StackedNorm
from nasir.kernels.separable import normed_separable, spread_separable


def features(*shape: int) -> Tensor:
    made = torch.randn(*shape, dtype=torch.float64)
    return made.contiguous(memory_format=torch.channels_last)


def normalised(y: Tensor) -> Tensor:
    """Batch normalisation as torch does it."""
    return F.batch_norm(y, None, None, training=True)


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_stacks_and_gradients_equal_those_of_single_convolutions(kernel: int) -> None:
    torch.manual_seed(0)
    parts, width = 2, 3
    a = features(2, width, 6, 5).requires_grad_()
    shapes = [(parts * width, 1, kernel, kernel), (parts, width, width)] * 2
    weights = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]

    def pair(x: Tensor, part: int, depthwise: Tensor, pointwise: Tensor) -> Tensor:
        own = depthwise[part * width : (part + 1) * width]
        y = F.conv2d(x, own, padding=kernel // 2, groups=width)
        return F.conv2d(y, pointwise[part, :, :, None, None])

    wanted = torch.cat(
        [
            pair(F.leaky_relu(normalised(pair(a, p, *weights[:2])), 0.2), p, *weights[2:])
            for p in range(parts)
        ],
        1,
    )
    z = spread_separable(a, *weights[:2])
    statistics = StackedNorm(parts, width).double().statistics(z, range(parts))
    found = normed_separable(z, statistics, True, 0.2, *weights[2:])
    by = torch.randn_like(wanted)
    torch.testing.assert_close(found, wanted, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(
        torch.autograd.grad(found, [a, *weights], by),
        torch.autograd.grad(wanted, [a, *weights], by),
        atol=1e-9,
        rtol=1e-9,
    )
