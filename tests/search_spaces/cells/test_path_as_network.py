"""A path of a supernet is the network of its architecture, with the same weights and end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nasir.core.search_space import Signature
from nasir.kernels.stacks import FullStack, SeparableStack
from nasir.search_spaces.cells.cell import Cell
from nasir.search_spaces.cells.compact import CompactNetwork
from nasir.search_spaces.cells.ends import SupernetEnd
from nasir.search_spaces.cells.genotype import SKIP, CellGenotype, Genotype
from nasir.search_spaces.cells.supercell import SuperCell, first_node
from nasir.search_spaces.cells.supernet import CellSupernet
from nasir.search_spaces.hinas.space import HiNas
from nasir.search_spaces.irnas.space import IrNas

GREY = Signature(1, 1)

CASES = [
    ({}, GREY),
    ({}, Signature(3, 3, 2)),
    ({"cell_sharing": False}, GREY),
    ({"layer_wise": False}, GREY),
    ({"widths": (2.0, 1.0, 4.0)}, GREY),
    ({"routing": "literal"}, GREY),
]


class PathEnd(SupernetEnd):
    """The supernet's end for one level, without the start's low-level features."""

    def forward(self, features: Tensor, low_level: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward([features])


@pytest.mark.parametrize(("settings", "signature"), CASES)
@pytest.mark.parametrize("kind", [HiNas, IrNas])
def test_a_path_is_the_network_of_its_architecture(
    kind: type[HiNas], settings: dict[str, Any], signature: Signature
) -> None:
    space = kind(layers=3, nodes=1, search_width=3, width=3, **settings)
    for seed, training in enumerate((True, False)):
        torch.manual_seed(seed)
        supernet = used_supernet(space, signature)
        architecture = space.domain.sample(np.random.default_rng(seed))
        network: Any = space.build(architecture, signature)
        last, out_channels = network.cells[-1].out_channels, network.frame.body_channels
        network.end = PathEnd([last], out_channels, False, space.activation)
        network.double().train(training)
        with torch.no_grad():
            copy_path(supernet, space.genotype(architecture), network)
        x = picture(signature)
        found, wanted = network(x), supernet.train(training)(x, architecture)
        unchanged = network.frame(x, torch.zeros(2, out_channels, 9, 8).double())
        assert (wanted - unchanged).abs().max() > 1e-3
        torch.testing.assert_close(found, wanted, atol=1e-9, rtol=1e-9)


def used_supernet(space: HiNas, signature: Signature) -> CellSupernet:
    """A supernet whose running statistics are those of a batch."""
    supernet: Any = space.supernet(signature).double()
    for module in batch_norms(supernet):
        module.momentum = 0.9
    supernet(picture(signature))
    return supernet  # type: ignore[no-any-return]


def picture(signature: Signature) -> Tensor:
    return torch.rand(2, signature.in_channels, 9, 8, dtype=torch.float64)


def copy_path(supernet: CellSupernet, genotype: Genotype, network: CompactNetwork) -> None:
    """Copy weights and running statistics of the path of `genotype` into `network`."""
    body: Any = supernet.body
    built: Any = network.cells
    end: Any = network.end
    path = [0, 0, *genotype.levels]
    copy_same(network.start, body.start)
    for layer, (cell, chosen) in enumerate(zip(built, genotype.cells, strict=True)):
        two_back, back, level = path[layer : layer + 3]
        source = body.layers[layer][str(level)]
        copy_stacked(cell.preprocess0, source.two_back[str(two_back)], 0)
        copy_stacked(cell.preprocess1, source.back[str(back)], 0)
        copy_cell(cell, source.cell_of(back), chosen)
    place = supernet.ladder.at(len(built) - 1).index(path[-1])
    copy_same(end.aspps[0], body.end.aspps[place])
    copy_same(end.output, body.end.output)
    seen = body.end.fuse[1].weight[:, body.end.channels(place)]
    copy(end.fuse, [seen], [(body.end.fuse[2], slice(None), 0)])


def copy_cell(cell: Cell, source: SuperCell, chosen: CellGenotype) -> None:
    fans: Any = source.fans
    inputs = [(node, *pair) for node, pairs in enumerate(chosen.nodes) for pair in pairs]
    for operation, (node, state, name) in zip(cell.operations, inputs, strict=True):
        if name == SKIP:
            continue
        held, part = fans[state].operations[name], node - first_node(state)
        if isinstance(held, nn.ModuleList):
            copy_same(operation, held[part])
        else:
            copy_stacked(operation, held, part)


def copy_stacked(target: nn.Module, stack: FullStack | SeparableStack, part: int) -> None:
    norms = [(norm, norm.channels([part]), part) for norm in stack.norms()]
    copy(target, stack.weights_of(part), norms)


def copy(target: nn.Module, weights: Iterable[Tensor], norms: Iterable[tuple[Any, Any, int]]):
    """Fill the convolutions and normalisations of `target`, in their order."""
    convolutions = [part for part in target.modules() if isinstance(part, nn.Conv2d)]
    for convolution, weight in zip(convolutions, weights, strict=True):
        convolution.weight.copy_(weight)
    for norm, (source, channels, part) in zip(batch_norms(target), norms, strict=True):
        norm.running_mean.copy_(source.running_mean[channels])
        norm.running_var.copy_(source.running_var[channels])
        norm.num_batches_tracked.copy_(source.num_batches_tracked.reshape(-1)[part])


def copy_same(target: nn.Module, source: nn.Module) -> None:
    """Copy; scale and shift, which the supernet does not have, remain 1 and 0."""
    target.load_state_dict(source.state_dict(), strict=False)


def batch_norms(module: nn.Module) -> list[Any]:
    return [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
