from __future__ import annotations

import pytest
import torch
from torch import nn

from nasir.search_spaces.cells.operations import CellLeakyReLU, operation
from nasir.search_spaces.hinas.space import HiNas
from nasir.search_spaces.irnas.space import IrNas

C = 6
NAMES = sorted({*HiNas().operations, *IrNas().operations})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(2, C, 1, 3), (1, C, 5, 4)])
def test_operations_keep_channels_and_size(name: str, shape: tuple[int, ...]) -> None:
    assert operation(name, C)(torch.rand(shape)).shape == shape


@pytest.mark.parametrize(
    ("name", "convolutions", "norms"),
    [
        ("conv_3", 9 * C * C, 1),
        ("sep_3", 2 * (9 * C + C * C), 2),
        ("sep_5", 2 * (25 * C + C * C), 2),
        ("dil_3", 9 * C * C, 1),
        ("dil_5", 25 * C * C, 1),
        ("def_3", 9 * C * C + 27 * (9 * C + 1), 1),
        ("skip", 0, 0),
    ],
)
def test_parameters_equal_those_of_convolutions_without_bias(
    name: str, convolutions: int, norms: int
) -> None:
    def count(affine: bool) -> int:
        return sum(p.numel() for p in operation(name, C, affine).parameters())

    assert (count(affine=True), count(affine=False)) == (convolutions + norms * 2 * C, convolutions)


@pytest.mark.parametrize(
    ("name", "reach"),
    [("conv_3", 1), ("sep_3", 2), ("sep_5", 4), ("dil_3", 2), ("dil_5", 4), ("skip", 0)],
)
def test_the_receptive_field_follows_from_kernel_and_rate(name: str, reach: int) -> None:
    torch.manual_seed(0)
    module = operation(name, 2, activation=nn.Identity).eval()
    x = torch.rand(1, 2, 15, 15, requires_grad=True)
    module(x)[0, :, 7, 7].sum().backward()
    assert x.grad is not None
    rows, columns = x.grad[0].abs().sum(0).nonzero().T
    assert (int(rows.min()), int(rows.max())) == (7 - reach, 7 + reach)
    assert (int(columns.min()), int(columns.max())) == (7 - reach, 7 + reach)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "skip"])
def test_operations_begin_with_the_activation_and_end_normalised(name: str) -> None:
    module = operation(name, C, affine=False, activation=CellLeakyReLU)
    assert isinstance(module, nn.Sequential)
    assert isinstance(module[0], CellLeakyReLU)
    assert module[0].negative_slope == 0.2
    y = module(torch.randn(4, C, 16, 16))
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(C), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var((0, 2, 3)), torch.ones(C), atol=2e-2, rtol=0)


def test_dilated_convolution_has_rate_two() -> None:
    torch.manual_seed(0)
    act, convolution, _ = operation("dil_3", 3)
    x = torch.randn(1, 3, 8, 8)
    spread = torch.zeros(3, 3, 5, 5)
    spread[..., ::2, ::2] = convolution.weight
    expected = nn.functional.conv2d(act(x), spread, padding=2)
    torch.testing.assert_close(convolution(act(x)), expected)
