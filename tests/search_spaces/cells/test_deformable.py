from __future__ import annotations

import sys
from collections.abc import Iterator
from math import floor
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.search_spaces.cells import deformable
from nasir.search_spaces.cells.deformable import DeformableConv2d, deform_conv


@pytest.fixture(autouse=True)
def _without_torchvision(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.ops", None)
    deformable.torchvision_kernel.cache_clear()
    yield
    deformable.torchvision_kernel.cache_clear()


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


@pytest.mark.parametrize(
    ("height", "width", "spread", "whole"),
    [(3, 4, 1.0, False), (2, 3, 4.0, False), (1, 1, 0.5, False), (3, 2, 1.5, True)],
)
def test_values_and_gradients_are_those_of_a_literal_loop(
    height: int, width: int, spread: float, whole: bool
) -> None:
    given = [t.requires_grad_() for t in inputs(height, width, spread, whole)]
    literal, ours = literal_loop(*given), deform_conv(*given)
    torch.testing.assert_close(ours, literal)
    weights = torch.randn(literal.shape, dtype=torch.float64)
    torch.testing.assert_close(
        torch.autograd.grad((ours * weights).sum(), given if not whole else given[::2]),
        torch.autograd.grad((literal * weights).sum(), given if not whole else given[::2]),
    )


def test_gradients_are_those_of_finite_differences() -> None:
    given = [t.requires_grad_() for t in inputs(2, 3, 0.3)]
    assert torch.autograd.gradcheck(deform_conv, given)


@pytest.mark.parametrize("side", [7, 33, 64, 100])
def test_without_training_it_is_half_a_convolution(side: int) -> None:
    torch.manual_seed(0)
    layer, x = DeformableConv2d(4, 6), torch.randn(2, 4, side, side + 1)
    torch.testing.assert_close(layer(x), F.conv2d(x, layer.weight, padding=1) / 2)


def test_the_memory_format_does_not_matter() -> None:
    torch.manual_seed(0)
    layer, x = DeformableConv2d(4, 6), torch.randn(2, 4, 9, 10)
    torch.nn.init.normal_(layer.deformation.weight)
    rows = layer(x)
    layer.to(memory_format=torch.channels_last)
    torch.testing.assert_close(layer(x.contiguous(memory_format=torch.channels_last)), rows)


def test_offsets_and_masks_are_learned_from_the_first_step() -> None:
    torch.manual_seed(0)
    layer = DeformableConv2d(3, 3)
    layer(torch.randn(1, 3, 9, 9)).square().sum().backward()
    gradient = layer.deformation.weight.grad
    assert gradient is not None
    assert all(gradient[k].abs().sum() > 0 for k in range(27))


@pytest.mark.parametrize("side", [5, 31, 50])
def test_at_whole_pixels_the_gradient_is_taken_to_the_right_and_below(side: int) -> None:
    """As kernels do that round down; single precision must not choose the other side."""
    ramp = torch.arange(side).float().square()
    x = (ramp[:, None] + 2 * ramp).expand(1, 1, side, side)
    weight = torch.zeros(1, 1, 3, 3)
    weight[0, 0, 1, 1] = 1
    offsets = torch.zeros(1, 18, side, side, requires_grad=True)
    deform_conv(x, offsets, torch.ones(1, 9, side, side), weight).sum().backward()
    assert offsets.grad is not None
    down, right = offsets.grad[0, 8:10, :-1, :-1]
    steps = ramp.diff()
    torch.testing.assert_close(down, steps[:, None].expand_as(down))
    torch.testing.assert_close(right, 2 * steps.expand_as(right))


def test_the_kernel_of_torchvision_is_used_where_it_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    def deform_conv2d(
        x: Tensor, offset: Tensor, weight: Tensor, padding: tuple[int, int], mask: Tensor
    ) -> Tensor:
        assert padding == (1, 1)
        return deform_conv(x, offset, mask, weight) + 1

    module = ModuleType("torchvision.ops")
    module.deform_conv2d = deform_conv2d  # type: ignore[attr-defined]
    layer, x = DeformableConv2d(2, 2), torch.randn(1, 2, 4, 4)
    alone = layer(x)
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.ops", module)
    deformable.torchvision_kernel.cache_clear()
    torch.testing.assert_close(layer(x), alone + 1)


def test_an_export_is_the_same_at_another_size() -> None:
    torch.manual_seed(0)
    layer, x = DeformableConv2d(2, 3), torch.randn(1, 2, 12, 10)
    torch.nn.init.normal_(layer.deformation.weight)
    sizes = {
        2: torch.export.Dim("height", min=4, max=64),
        3: torch.export.Dim("width", min=4, max=64),
    }
    exported = torch.export.export(layer.eval(), (x,), dynamic_shapes=(sizes,)).module()
    for other in (x, torch.randn(1, 2, 7, 21)):
        torch.testing.assert_close(exported(other), layer(other))


def test_in_half_precision_offsets_keep_their_fractions() -> None:
    torch.manual_seed(0)
    x, weight, masks = (
        torch.rand(1, 1, 4, 300),
        torch.ones(1, 1, 3, 3) / 9,
        torch.ones(1, 9, 4, 300),
    )
    offsets = torch.full((1, 18, 4, 300), 0.25)
    halved = [t.to(torch.bfloat16) for t in (x, offsets, masks, weight)]
    expected = deform_conv(halved[0].float(), offsets, masks, weight)
    torch.testing.assert_close(deform_conv(*halved).float(), expected, atol=0.02, rtol=0.02)
