from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from nasir.search_spaces.cells.mixture import StackedNorm, mixture
from nasir.search_spaces.cells.operations import (
    CellLeakyReLU,
    Conv3,
    Def3,
    Dil3,
    Dil5,
    PointwiseConv,
    Sep3,
    Sep5,
)
from nasir.search_spaces.cells.separable import normed_separable, spread_separable
from nasir.search_spaces.cells.stacks import FullStack, SeparableStack
from nasir.search_spaces.cells.supercell import Fan, SuperCell

OPERATIONS = {"conv_3": Conv3, "sep_3": Sep3, "sep_5": Sep5, "dil_3": Dil3, "dil_5": Dil5}
OPTIONS = (*OPERATIONS, "skip", "none")


def maker(operation: type[nn.Module]):
    return lambda width: operation(width, affine=False, activation=CellLeakyReLU)


MAKERS = {name: maker(operation) for name, operation in OPERATIONS.items()}


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
def test_a_mixture_and_its_gradients_are_those_of_norms_added_up(
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
    found = mixture(
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


def test_gradients_of_a_mixture_in_evaluation_mode_are_those_of_a_norm() -> None:
    torch.manual_seed(0)
    norm = StackedNorm(2, 3).double().eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    y = features(1, 6, 4, 4).requires_grad_()
    weight = torch.rand(2, dtype=torch.float64, requires_grad=True)
    plain = F.batch_norm(y, norm.running_mean, norm.running_var)
    wanted = weight.repeat_interleave(3).view(1, -1, 1, 1) * plain
    found = mixture([y.clone()], [norm], [weight], [(0, 1)])
    by = torch.randn_like(y)
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(
        torch.autograd.grad(found, [y, weight], by), torch.autograd.grad(wanted, [y, weight], by)
    )


@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_statistics_are_those_of_one_norm_for_each_part(momentum: float | None) -> None:
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


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_separable_stacks_and_gradients_are_those_of_single_convolutions(kernel: int) -> None:
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


@pytest.mark.parametrize("operation", [Conv3, Dil3, Dil5])
def test_full_convolutions_are_stacked(operation: type[nn.Module]) -> None:
    assert FullStack.holds(maker(operation)(3))


@pytest.mark.parametrize("operation", [Sep3, Sep5])
def test_separable_convolutions_are_stacked(operation: type[nn.Module]) -> None:
    assert SeparableStack.holds(maker(operation)(3))
    assert not FullStack.holds(maker(operation)(3))


def test_other_operations_are_called_by_themselves() -> None:
    fan = Fan(("def_3",), {"def_3": maker(Def3)}, 2, 3)
    assert isinstance(fan.operations["def_3"], nn.ModuleList)
    assert not FullStack.holds(nn.Sequential(nn.ReLU(), nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)))


def test_a_stack_has_the_weights_of_its_operations() -> None:
    made = [PointwiseConv(4, 3, affine=False) for _ in range(2)]
    stack = FullStack(made)
    for part, operation in enumerate(made):
        (weight,) = stack.weights_of(part)
        assert torch.equal(weight, operation[1].weight)


@pytest.mark.parametrize("zeros", ["none", "some", "one path"])
def test_a_super_cell_is_its_operations_called_one_by_one(zeros: str) -> None:
    """Equation 3 of HiNAS, with torch's modules made of the very same initial weights."""
    nodes, width = 3, 2
    torch.manual_seed(1)
    cell = SuperCell(OPTIONS, MAKERS, nodes, width).double()
    plain = {}
    torch.manual_seed(1)
    for state in range(nodes + 1):
        targets = range(max(0, state - 1), nodes)
        for name, make in MAKERS.items():
            for node in targets:
                plain[node, state, name] = make(width).double()
    rows = [(node, state) for node in range(nodes) for state in range(node + 2)]
    weights = torch.rand(len(rows), len(OPTIONS), dtype=torch.float64)
    if zeros == "some":
        weights = weights * (torch.rand_like(weights) < 0.5)
    if zeros == "one path":
        weights = F.one_hot(torch.randint(len(OPTIONS) - 1, (len(rows),)), len(OPTIONS)).double()
    a, b = features(2, width, 6, 6), features(2, width, 6, 6)
    states = [a, b]
    for node in range(nodes):
        total = torch.zeros_like(a)
        for state in range(node + 2):
            row = weights[rows.index((node, state))]
            total = total + row[OPTIONS.index("skip")] * states[state]
            for name in MAKERS:
                y = plain[node, state, name](states[state])
                total = total + row[OPTIONS.index(name)] * y
        states.append(total)
    found = cell(a, b, weights, (weights != 0).tolist())
    torch.testing.assert_close(found, torch.cat(states[2:], 1), atol=1e-9, rtol=1e-9)


def test_no_work_is_done_for_options_of_weight_zero() -> None:
    cell = SuperCell(OPTIONS, MAKERS, nodes=2, width=2).double()
    weights = torch.zeros(5, len(OPTIONS), dtype=torch.float64)
    weights[:, OPTIONS.index("dil_3")] = 1
    weights[0] = 0
    cell(features(1, 2, 4, 4), features(1, 2, 4, 4), weights, (weights != 0).tolist())
    counted = [
        fan.operations[name].norm.num_batches_tracked.tolist()
        for fan in cell.fans
        for name in ("conv_3", "sep_5", "dil_3")
    ]
    assert counted == [[0, 0], [0, 0], [0, 1], [0, 0], [0, 0], [1, 1], [0], [0], [1]]


def test_partial_channels_pass_by_the_operations_and_are_shuffled() -> None:
    """PC-DARTS with k = 2: with `skip` alone, all that is done is adding and shuffling."""
    cell = SuperCell(OPTIONS, MAKERS, nodes=1, width=4, partial=2).double()
    weights = torch.zeros(2, len(OPTIONS), dtype=torch.float64)
    weights[:, OPTIONS.index("skip")] = torch.tensor([2.0, 3.0])
    a, b = features(1, 4, 3, 3), features(1, 4, 3, 3)
    seen, beside = 2 * a[:, :2] + 3 * b[:, :2], a[:, 2:] + b[:, 2:]
    wanted = torch.stack([seen[:, 0], beside[:, 0], seen[:, 1], beside[:, 1]], 1)
    torch.testing.assert_close(cell(a, b, weights, (weights != 0).tolist()), wanted)
