from __future__ import annotations

import statistics

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nasir.core.search_space import Signature
from nasir.search_spaces.cells.cell import Cell
from nasir.search_spaces.cells.compact import CompactNetwork
from nasir.search_spaces.cells.ends import SupernetEnd
from nasir.search_spaces.cells.frame import Frame
from nasir.search_spaces.cells.genotype import CellGenotype
from nasir.search_spaces.hinas.space import HiNas
from nasir.search_spaces.irnas.space import IrNas

NODES = (
    ((0, "conv_3"), (1, "skip")),
    ((1, "sep_3"), (2, "dil_3")),
    ((0, "skip"), (3, "conv_3")),
)


def test_a_cell_is_the_sums_of_its_nodes_inputs_concatenated() -> None:
    torch.manual_seed(0)
    cell = Cell(CellGenotype(NODES), 5, 7, 4)
    two_back, back = torch.randn(2, 5, 6, 6), torch.randn(2, 7, 6, 6)
    o = cell.operations
    h0, h1 = cell.preprocess0(two_back), cell.preprocess1(back)
    x0 = o[0](h0) + h1
    x1 = o[2](h1) + o[3](x0)
    x2 = h0 + o[5](x1)
    torch.testing.assert_close(cell(two_back, back), torch.cat([x0, x1, x2], 1))


def network(space: HiNas, signature: Signature, name: str = "all_conv") -> CompactNetwork:
    built = space.build(space.reference()[name], signature)
    assert isinstance(built, CompactNetwork)
    return built


def convolutions(cell: Cell) -> list[nn.Conv2d]:
    return [m for m in cell.modules() if isinstance(m, nn.Conv2d)]


def test_a_layer_takes_the_two_before_it_or_the_start() -> None:
    space = HiNas(layers=3, nodes=2, width=10, widths=(1, 1.5, 2))
    cells = network(space, Signature(1, 1)).cells
    seen = [[c.in_channels for c in convolutions(cell)[:2]] for cell in cells]
    assert seen == [[64, 64], [64, 20], [20, 30]]
    assert [cell.out_channels for cell in cells] == [20, 30, 40]


def closed_form(widths: list[int], nodes: int, channels: int) -> int:
    """Parameters of a HiNAS network of 3x3 convolutions, counted by hand."""
    total = 9 * channels * 64 + 9 * 64 * 64 + 4 * 64
    inputs = [64, 64, *(nodes * width for width in widths)]
    for layer, width in enumerate(widths):
        total += (inputs[layer] + inputs[layer + 1]) * width + 4 * width
        total += 2 * nodes * (9 * width * width + 2 * width)
    total += inputs[-1] * 128 + 2 * 128 + 64 * 48 + 2 * 48
    total += 9 * 176 + 176 * 128 + 2 * 128 + 9 * 128 + 128 * 128 + 2 * 128
    return total + 9 * 128 * channels


@pytest.mark.parametrize("channels", [1, 3])
def test_parameters_of_the_papers_fixed_widths(channels: int) -> None:
    for widths, per_layer in (((2,), [40, 40, 40]), ((1, 2, 4), [20, 40, 80]), ((), [30, 30, 30])):
        made = network(HiNas(widths=widths), Signature(channels, channels))
        count = sum(p.numel() for p in made.parameters())
        assert count == closed_form(per_layer, 4, channels)


def test_networks_of_hinas_are_as_large_as_the_papers() -> None:
    """Found ones have 0.22 to 0.34 million parameters; so has 3x3 convolution at middle width."""
    count = sum(p.numel() for p in network(HiNas(), Signature(1, 1)).parameters())
    assert 0.22e6 < count < 0.34e6


def median_parameters(space: HiNas, signature: Signature, draws: int = 15) -> float:
    """In millions, of networks drawn from the space."""
    rng = np.random.default_rng(0)
    with torch.device("meta"):
        built = [space.build(space.domain.sample(rng), signature) for _ in range(draws)]
    return statistics.median(sum(p.numel() for p in net.parameters()) / 1e6 for net in built)


@pytest.mark.parametrize(
    ("scale", "least", "most"), [(2, 0.23, 0.28), (3, 0.25, 0.30), (4, 0.29, 0.33)]
)
def test_hinas_for_super_resolution_is_as_large_as_the_papers_with_an_aspp(
    scale: int, least: float, most: float
) -> None:
    """Tables 11 and 12, in millions."""
    space = HiNas(layers=2, nodes=3, width=16, aspp=(2, 4, 6))
    assert least < median_parameters(space, Signature(3, 3, scale)) < most


@pytest.mark.parametrize("layer_wise", [True, False])
def test_irnas_built_at_width_20_is_as_large_as_the_papers(layer_wise: bool) -> None:
    """Table 1: 0.63 million parameters; at the search's width of 10 half of that."""
    space = IrNas(layer_wise=layer_wise)
    assert (space.search_width, space.width) == (10, 20)
    draws = 15 if layer_wise else 60  # networks of one cell differ more
    median = median_parameters(space, Signature(1, 1), draws)
    assert median == pytest.approx(0.63, rel=0.15)


def test_the_output_of_irnas_is_the_picture() -> None:
    net = network(IrNas(layers=1, nodes=1, width=2), Signature(1, 1)).eval()
    nn.init.zeros_(net.end.decoder[-1].weight)
    assert not net(torch.rand(1, 1, 5, 7)).any()


def test_denoising_subtracts_the_output_of_the_layers() -> None:
    net = network(HiNas(layers=1, nodes=1, width=2), Signature(3, 3)).eval()
    nn.init.zeros_(net.end.decoder[-1].weight)
    x = torch.rand(1, 3, 5, 7)
    assert torch.equal(net(x), x)
    torch.testing.assert_close(Frame(Signature(3, 3), True, "bicubic")(x, 0.25 * x), 0.75 * x)


@pytest.mark.parametrize("upsampling", ["bicubic", "bilinear"])
@pytest.mark.parametrize("scale", [2, 3])
def test_super_resolution_adds_to_the_upscaled_input(scale: int, upsampling: str) -> None:
    space = HiNas(layers=1, nodes=1, width=2, upsampling=upsampling)
    net = network(space, Signature(3, 3, scale)).eval()
    nn.init.zeros_(net.end.decoder[-1].weight)
    x = torch.rand(1, 3, 5, 7)
    expected = F.interpolate(x, (5 * scale, 7 * scale), mode=upsampling, align_corners=False)
    torch.testing.assert_close(net(x), expected)


@pytest.mark.parametrize("signature", [Signature(3, 3, 2), Signature(3, 3)])
def test_without_residual_learning_the_input_is_not_added(signature: Signature) -> None:
    net = network(HiNas(layers=1, nodes=1, width=2, residual=False), signature).eval()
    nn.init.zeros_(net.end.decoder[-1].weight)
    assert not net(torch.rand(1, 3, 5, 7)).any()


@pytest.mark.parametrize("space", [HiNas(layers=2, nodes=2, width=4), IrNas(layers=2, nodes=2)])
def test_a_network_is_a_deep_image_prior(space: HiNas) -> None:
    net = network(space, Signature(space.input_channels, 3))
    assert space.input_channels == 32
    assert net(torch.rand(1, 32, 2, 9)).shape == (1, 3, 2, 9)


def test_a_level_of_weight_zero_adds_nothing_to_the_supernets_end() -> None:
    torch.manual_seed(0)
    whole, part = SupernetEnd([4, 6, 8], 3, affine=False), SupernetEnd([6], 3, affine=False)
    part.aspps[0].load_state_dict(whole.aspps[1].state_dict())
    part.output.load_state_dict(whole.output.state_dict())
    part.fuse[1].weight.data = whole.fuse[1].weight.data[:, 128:256].clone()
    features = [torch.randn(2, channels, 7, 7) for channels in (4, 6, 8)]
    torch.testing.assert_close(part([features[1]]), whole(features, torch.tensor([0.0, 1.0, 0.0])))


def test_hand_made_references_use_both_inputs_of_the_cell() -> None:
    space = IrNas()
    genotype = space.genotype(space.reference()["all_def"])
    assert genotype.levels == (1, 1, 1, 1)
    assert {node for cell in genotype.cells for node in cell.nodes} == {
        ((0, "def_3"), (1, "def_3"))
    }
