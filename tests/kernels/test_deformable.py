from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from math import floor
from types import ModuleType

import pytest
import torch
from torch import Tensor

from nasir.kernels import choice
from nasir.kernels.deformable import deform_conv2d, gathered_conv2d, sampled_conv2d

FORMS = pytest.mark.parametrize("form", [sampled_conv2d, gathered_conv2d])
Form = Callable[..., Tensor]


@pytest.fixture(autouse=True)
def _without_torchvision(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.ops", None)
    choice.torchvision_deform_conv.cache_clear()
    yield
    choice.torchvision_deform_conv.cache_clear()


def bilinear(plane: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """A plane between its pixels, zero outside."""
    height, width = plane.shape
    top, left = floor(y.item()), floor(x.item())
    total = plane.new_zeros(())
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < height and 0 <= column < width:
                total = total + plane[row, column] * (1 - (y - row).abs()) * (
                    1 - (x - column).abs()
                )
    return total


def literal_loop(x: Tensor, offsets: Tensor, masks: Tensor, weight: Tensor) -> Tensor:
    """Equation 1 of the paper, one multiplication at a time."""
    count, channels, height, width = x.shape
    made = []
    for n in range(count):
        for o in range(len(weight)):
            for row in range(height):
                for column in range(width):
                    total = x.new_zeros(())
                    for k in range(9):
                        y = row + k // 3 - 1 + offsets[n, 2 * k, row, column]
                        z = column + k % 3 - 1 + offsets[n, 2 * k + 1, row, column]
                        for c in range(channels):
                            value = bilinear(x[n, c], y, z)
                            tap = weight[o, c, k // 3, k % 3]
                            total = total + tap * masks[n, k, row, column] * value
                    made.append(total)
    return torch.stack(made).view(count, len(weight), height, width)


def inputs(height: int, width: int, spread: float, whole: bool = False) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    offsets = spread * torch.randn(2, 18, height, width, generator=generator, dtype=torch.float64)
    return [
        torch.randn(2, 2, height, width, generator=generator, dtype=torch.float64),
        offsets.round() if whole else offsets,
        torch.rand(2, 9, height, width, generator=generator, dtype=torch.float64),
        torch.randn(2, 2, 3, 3, generator=generator, dtype=torch.float64),
    ]


@FORMS
@pytest.mark.parametrize(
    ("height", "width", "spread", "whole"),
    [(3, 4, 1.0, False), (2, 3, 4.0, False), (1, 1, 0.5, False), (3, 2, 1.5, True)],
)
def test_values_and_gradients_are_those_of_a_literal_loop(
    form: Form, height: int, width: int, spread: float, whole: bool
) -> None:
    given = [t.requires_grad_() for t in inputs(height, width, spread, whole)]
    literal, found = literal_loop(*given), form(*given)
    torch.testing.assert_close(found, literal)
    weights = torch.randn(literal.shape, dtype=torch.float64)
    torch.testing.assert_close(
        torch.autograd.grad((found * weights).sum(), given if not whole else given[::2]),
        torch.autograd.grad((literal * weights).sum(), given if not whole else given[::2]),
    )


@FORMS
def test_gradients_are_those_of_finite_differences(form: Form) -> None:
    given = [t.requires_grad_() for t in inputs(2, 3, 0.3)]
    assert torch.autograd.gradcheck(form, given)


@FORMS
@pytest.mark.parametrize("side", [5, 31, 50])
def test_at_whole_pixels_the_gradient_is_taken_to_the_right_and_below(
    form: Form, side: int
) -> None:
    """As kernels do that round down; single precision must not choose the other side."""
    ramp = torch.arange(side).float().square()
    x = (ramp[:, None] + 2 * ramp).expand(1, 1, side, side)
    weight = torch.zeros(1, 1, 3, 3)
    weight[0, 0, 1, 1] = 1
    offsets = torch.zeros(1, 18, side, side, requires_grad=True)
    form(x, offsets, torch.ones(1, 9, side, side), weight).sum().backward()
    assert offsets.grad is not None
    down, right = offsets.grad[0, 8:10, :-1, :-1]
    steps = ramp.diff()
    torch.testing.assert_close(down, steps[:, None].expand_as(down))
    torch.testing.assert_close(right, 2 * steps.expand_as(right))


def test_torchvision_computes_it_where_it_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_torchvision(
        x: Tensor, offset: Tensor, weight: Tensor, padding: tuple[int, int], mask: Tensor
    ) -> Tensor:
        assert padding == (1, 1)
        return sampled_conv2d(x, offset, mask, weight) + 1

    module = ModuleType("torchvision.ops")
    module.deform_conv2d = of_torchvision  # type: ignore[attr-defined]
    given = inputs(4, 4, 1.0)
    alone = deform_conv2d(*given)
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.ops", module)
    choice.torchvision_deform_conv.cache_clear()
    torch.testing.assert_close(deform_conv2d(*given), alone + 1)


@FORMS
def test_in_half_precision_offsets_keep_their_fractions(form: Form) -> None:
    torch.manual_seed(0)
    x, weight, masks = (
        torch.rand(1, 1, 4, 300),
        torch.ones(1, 1, 3, 3) / 9,
        torch.ones(1, 9, 4, 300),
    )
    offsets = torch.full((1, 18, 4, 300), 0.25)
    halved = [t.to(torch.bfloat16) for t in (x, offsets, masks, weight)]
    expected = form(halved[0].float(), offsets, masks, weight)
    torch.testing.assert_close(form(*halved).float(), expected, atol=0.02, rtol=0.02)
