from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nasir.core.cost import number_of_parameters
from nasir.core.search_space import Signature
from nasir.search_spaces.unet.space import UNet

COLOUR = Signature(3, 3)


@pytest.mark.parametrize("name", sorted(UNet().reference()))
@pytest.mark.parametrize("size", [(17, 40), (64, 33)])
def test_a_fresh_network_gives_back_its_input_of_any_size(name: str, size: tuple[int, int]) -> None:
    space = UNet()
    x = torch.rand(2, 3, *size)
    assert torch.equal(space.build(space.named(name), COLOUR)(x), x)


def test_a_fresh_network_enlarges_by_bicubic_interpolation() -> None:
    space = UNet()
    x = torch.rand(1, 3, 20, 23)
    y = space.build(space.named("drunet"), Signature(3, 3, 3))(x)
    assert torch.equal(y, F.interpolate(x, scale_factor=3, mode="bicubic", align_corners=False))


def test_parameters_of_a_plain_network_are_those_of_its_convolutions() -> None:
    space = UNet()
    network = space.build(space.named("dncnn"), COLOUR)
    # 3 -> 40, twelve times 40 -> 40, 40 -> 3; each with 3 x 3 taps and biases
    assert number_of_parameters(network) == (27 + 1) * 40 + 12 * (360 + 1) * 40 + (360 + 1) * 3


def test_gradients_reach_all_weights_once_the_last_ones_are_not_zero() -> None:
    space = UNet()
    network = space.build(space.named("found"), COLOUR)
    torch.nn.init.normal_(network.tail.weight)
    network(torch.rand(1, 3, 32, 32)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
