from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from nasir.kernels.normalised_sum import StackedNorm, normalised_sum


def features(*shape: int) -> Tensor:
    made = torch.randn(*shape, dtype=torch.float64)
    return made.contiguous(memory_format=torch.channels_last)


def normalised(y: Tensor) -> Tensor:
    """Batch normalisation as torch does it."""
    return F.batch_norm(y, None, None, training=True)


@given(
    count=st.integers(1, 3),
    parts=st.integers(1, 3),
    width=st.integers(1, 4),
    with_base=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=20, deadline=None)
def test_sum_and_gradients_equal_those_of_norms_added_up(
    count: int, parts: int, width: int, with_base: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    ys = [features(2, parts * width, 4, 3).requires_grad_() for _ in range(count)]
    base = features(2, parts * width, 4, 3).requires_grad_() if with_base else None
    weights = [torch.rand(parts, dtype=torch.float64, requires_grad=True) for _ in range(count)]
    wanted = sum(
        w.repeat_interleave(width).view(1, -1, 1, 1) * normalised(y)
        for w, y in zip(weights, ys, strict=True)
    )
    wanted = wanted if base is None else wanted + base
    asked = [*ys, *weights, *([] if base is None else [base])]
    norms = [StackedNorm(parts, width).double() for _ in ys]
    found = normalised_sum(
        [y.clone() for y in ys],
        norms,
        weights,
        [range(parts)] * count,
        None if base is None else base.permute(0, 2, 3, 1).clone(),
    )
    by = torch.randn_like(wanted)
    torch.testing.assert_close(found, wanted, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(
        torch.autograd.grad(found, asked, by),
        torch.autograd.grad(wanted, asked, by),
        atol=1e-9,
        rtol=1e-9,
    )


def test_gradients_in_evaluation_mode_equal_those_of_a_norm() -> None:
    torch.manual_seed(0)
    norm = StackedNorm(2, 3).double().eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    y = features(1, 6, 4, 4).requires_grad_()
    weight = torch.rand(2, dtype=torch.float64, requires_grad=True)
    plain = F.batch_norm(y, norm.running_mean, norm.running_var)
    wanted = weight.repeat_interleave(3).view(1, -1, 1, 1) * plain
    found = normalised_sum([y.clone()], [norm], [weight], [(0, 1)])
    by = torch.randn_like(y)
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(
        torch.autograd.grad(found, [y, weight], by), torch.autograd.grad(wanted, [y, weight], by)
    )


@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_statistics_equal_those_of_one_norm_for_each_part(momentum: float | None) -> None:
    torch.manual_seed(0)
    stacked = StackedNorm(3, 2).double()
    apart = [nn.BatchNorm2d(2, affine=False).double() for _ in range(3)]
    for norm in (stacked, *apart):
        norm.momentum = momentum
    for parts in ((0, 1, 2), (0, 2), (2,)):
        y = features(2, 2 * len(parts), 5, 5) + 1
        stacked.statistics(y, parts)
        for part, own in zip(parts, y.split(2, 1), strict=True):
            apart[part](own)
    means = torch.cat([norm.running_mean for norm in apart])
    variances = torch.cat([norm.running_var for norm in apart])
    torch.testing.assert_close(stacked.running_mean, means)
    torch.testing.assert_close(stacked.running_var, variances)
    assert stacked.num_batches_tracked.tolist() == [2, 1, 3]
