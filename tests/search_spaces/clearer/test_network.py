from __future__ import annotations

import pytest
import torch
from torch import nn

from nasir.core.search_space import Signature
from nasir.search_spaces.clearer.space import Clearer


def parameters(name: str) -> int:
    space = Clearer()
    network = space.build(space.named(name), Signature(3, 3))
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("name", "millions"), [("all_parallel", 8.72), ("all_fusion", 4.36)])
def test_the_networks_have_the_published_numbers_of_parameters(name: str, millions: float) -> None:
    assert round(parameters(name) / 1e6, 2) == millions


def test_the_fixed_part_adds_up_by_hand() -> None:
    """Two bottlenecks, three transitions, the last fusion and the 1x1 convolution, one by one."""
    first = 3 * 32 + 64 + 9 * 32 * 32 + 64 + 32 * 128 + 256 + 3 * 128 + 256
    second = 128 * 32 + 64 + 9 * 32 * 32 + 64 + 32 * 128 + 256
    transitions = 9 * 128 * 32 + 64 + 9 * 128 * 64 + 128 + 9 * 64 * 128 + 256 + 9 * 128 * 256 + 512
    last = (64 + 128 + 256) * 32 + 3 * 64
    fixed = first + second + transitions + last + 32 * 3 + 3
    assert parameters("all_parallel") == fixed + 4 * (92_544 + 387_968 + 1_568_640)
    assert parameters("all_fusion") == fixed + 4 * (20_672 + 153_536 + 784_512)


def test_convolutions_start_small() -> None:
    torch.manual_seed(0)
    space = Clearer(channels=16, cells=2, columns=1)
    network = space.build(space.named("alternating"), Signature(3, 3))
    weights = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, nn.Conv2d)])
    assert weights.std().item() == pytest.approx(1e-3, rel=0.02)
    assert weights.mean().item() == pytest.approx(0, abs=2e-5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 8), (9, 5), (16, 20)])
def test_any_size_goes(height: int, width: int) -> None:
    space = Clearer(channels=2, cells=3, columns=1)
    network = space.build(space.named("all_fusion"), Signature(2, 1, scale=3))
    assert network(torch.rand(1, 2, height, width)).shape == (1, 1, 3 * height, 3 * width)


def test_pictures_of_whole_coarsest_pixels_are_not_padded() -> None:
    space = Clearer(channels=2, cells=2, columns=1)
    network = space.build(space.named("alternating"), Signature(3, 3)).eval()
    assert network.backbone.any_size.padding(8) == (0, 0)
