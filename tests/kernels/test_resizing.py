"""Twice the size, in an order of additions that never changes."""

from __future__ import annotations

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.core.search_space import Signature
from nasir.kernels import reflection, resizing
from nasir.kernels.resizing import Mode, by_products, twice
from nasir.search_spaces.nasdip.space import NasDip

SHAPES = [(1, 1, 1, 1), (2, 3, 1, 4), (1, 2, 5, 3), (2, 1, 8, 8)]
MODES: list[Mode] = ["nearest", "bilinear", "bicubic"]


def plain(x: Tensor, mode: Mode) -> Tensor:
    corners = None if mode == "nearest" else False
    return F.interpolate(x, scale_factor=2, mode=mode, align_corners=corners)


@pytest.mark.parametrize(("mode", "shape"), list(product(MODES[1:], SHAPES)))
def test_values_and_gradients_are_torchs_own(mode: Mode, shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
    y = plain(x, mode)
    by_output = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    (expected,) = torch.autograd.grad(y, x, by_output)
    ours = by_products(x, mode)
    (gradient,) = torch.autograd.grad(ours, x, by_output)
    assert torch.allclose(ours, y, atol=1e-12)
    assert torch.allclose(gradient, expected, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_on_a_cpu_it_is_torchs_own_to_the_bit(mode: Mode) -> None:
    x = torch.rand(1, 2, 5, 7)
    assert torch.equal(twice(x, mode), plain(x, mode))


def test_it_can_be_mapped_over_stacked_maps() -> None:
    x = torch.rand(3, 1, 2, 4, 4)
    mapped = torch.func.vmap(lambda one: by_products(one, "bicubic"))(x)
    assert torch.allclose(mapped[2], by_products(x[2], "bicubic"))


@pytest.mark.parametrize("name", ["nasdip_denoising", "deep_image_prior"])
def test_a_network_of_repeatable_forms_is_the_same_function(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = NasDip(depth=2, width=8, input_channels=4)
    network = space.build(space.named(name), Signature(4, 1)).double()
    x = torch.rand(1, 4, 10, 12, dtype=torch.float64)
    expected = network(x)
    for module in (reflection, resizing):
        monkeypatch.setattr(module, "must_repeat", lambda x: True)
    assert torch.allclose(network(x), expected, atol=1e-12)
