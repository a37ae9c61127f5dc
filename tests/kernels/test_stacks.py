from __future__ import annotations

import pytest
import torch
from torch import nn

from nasir.kernels.fan import Fan
from nasir.kernels.stacks import FullStack, SeparableStack
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


def made(operation: type[nn.Module]) -> nn.Module:
    return operation(3, affine=False, activation=CellLeakyReLU)


@pytest.mark.parametrize("operation", [Conv3, Dil3, Dil5])
def test_full_convolutions_are_stacked(operation: type[nn.Module]) -> None:
    assert FullStack.holds(made(operation))


@pytest.mark.parametrize("operation", [Sep3, Sep5])
def test_separable_convolutions_are_stacked(operation: type[nn.Module]) -> None:
    assert SeparableStack.holds(made(operation))
    assert not FullStack.holds(made(operation))


def test_other_operations_are_not_stacked() -> None:
    fan = Fan({"def_3": [made(Def3), made(Def3)]}, 3)
    assert isinstance(fan.operations["def_3"], nn.ModuleList)
    assert not FullStack.holds(nn.Sequential(nn.ReLU(), nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)))


def test_a_stack_has_the_weights_of_its_operations() -> None:
    made = [PointwiseConv(4, 3, affine=False) for _ in range(2)]
    stack = FullStack(made)
    for part, operation in enumerate(made):
        (weight,) = stack.weights_of(part)
        assert torch.equal(weight, operation[1].weight)
