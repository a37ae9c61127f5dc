from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from nasir.kernels.fan import Fan


def chain(width: int) -> nn.Module:
    return nn.Sequential(
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width, affine=False),
    )


def options() -> dict[str, list[nn.Module]]:
    torch.manual_seed(0)
    return {
        "conv": [chain(2).double() for _ in range(3)],
        "skip": [nn.Identity() for _ in range(3)],
        "none": [],
        "other": [nn.Conv2d(2, 2, 1).double() for _ in range(3)],
    }


@pytest.mark.parametrize("density", [1.0, 0.5, 0.0])
def test_equals_the_weighted_sum_of_operations_called_one_by_one(density: float) -> None:
    plain, fan = options(), Fan(options(), 2).double()
    weights = torch.rand(3, 4, dtype=torch.float64)
    weights = weights * (torch.rand_like(weights) < density)
    x = torch.randn(2, 2, 5, 4, dtype=torch.float64)
    wanted = [torch.zeros_like(x) for _ in range(3)]
    for column, operations in enumerate(plain.values()):
        for edge, operation in enumerate(operations):
            wanted[edge] = wanted[edge] + weights[edge, column] * operation(x)
    found = [torch.zeros_like(x) for _ in range(3)]
    for edges, total in fan(x, weights, (weights != 0).tolist()):
        for edge, part in zip(edges, total.split(2, 1), strict=True):
            found[edge] = found[edge] + part
    torch.testing.assert_close(found, wanted)


def test_operations_of_weight_zero_are_not_called() -> None:
    class Refusing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise AssertionError

    fan = Fan({"refusing": [Refusing()], "skip": [nn.Identity()]}, 1)
    weights = torch.tensor([[0.0, 2.0]])
    [(edges, total)] = fan(torch.ones(1, 1, 2, 2), weights, [[False, True]])
    assert edges == (0,)
    assert torch.equal(total, 2 * torch.ones(1, 1, 2, 2))
