"""Copying the weights of a supernet's path into a built network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.kernels.stacks import FullStack, SeparableStack
from nasir.search_spaces.cells.cell import Cell
from nasir.search_spaces.cells.compact import CompactNetwork
from nasir.search_spaces.cells.ends import PathEnd
from nasir.search_spaces.cells.genotype import SKIP, CellGenotype
from nasir.search_spaces.cells.supercell import SuperCell, first_node
from nasir.search_spaces.cells.supernet import CellSupernet
from nasir.search_spaces.inheritance import check_whole


@torch.no_grad()
def inherit(network: CompactNetwork, supernet: CellSupernet, architecture: Architecture) -> None:
    """Make `network` the same function as the path of `architecture` in `supernet`.

    Copies weights and running statistics. `network` must be built of `architecture` with
    ``end=supernet`` and ``width`` equal to ``search_width``; otherwise, and for a supernet of
    partial channels, raises :class:`~nasir.core.errors.NasirError`.
    """
    body = supernet.body
    end: Any = network.end
    built: Any = network.cells
    levels = supernet.space.genotype(architecture).levels
    cells = supernet.space.genotype(architecture).cells
    path = [0, 0, *levels]
    _refuse_other_shapes(network, supernet, levels)
    _copy_same(network.start, body.start)
    for layer, (cell, chosen) in enumerate(zip(built, cells, strict=True)):
        two_back, back, level = path[layer : layer + 3]
        source = body.layers[layer][str(level)]
        _copy_stacked(cell.preprocess0, source.two_back[str(two_back)], 0)
        _copy_stacked(cell.preprocess1, source.back[str(back)], 0)
        _copy_cell(cell, source.cell_of(back), chosen)
    place = supernet.ladder.at(len(cells) - 1).index(levels[-1])
    _copy_same(end.aspps[0], body.end.aspps[place])
    _copy_same(end.output, body.end.output)
    seen = body.end.fuse[1].weight[:, body.end.channels(place)]
    _copy(end.fuse, [seen], [(body.end.fuse[2], slice(None), 0)])


def _refuse_other_shapes(
    network: CompactNetwork, supernet: CellSupernet, levels: Sequence[int]
) -> None:
    check_whole(supernet.partial, "cells")
    if not isinstance(network.end, PathEnd):
        raise SettingsError(
            "the network's end is not the supernet's: build with space.end=supernet"
        )
    cells: Any = network.cells
    built = [cell.preprocess0[1].out_channels for cell in cells]
    searched = [supernet.widths[level] for level in levels]
    if built != searched:
        raise SettingsError(
            f"the network's cells are {built} channels wide, the supernet's {searched}: build "
            f"with space.width={supernet.space.search_width}"
        )


def _copy_cell(cell: Cell, source: SuperCell, chosen: CellGenotype) -> None:
    fans: Any = source.fans
    inputs = [(node, *pair) for node, pairs in enumerate(chosen.nodes) for pair in pairs]
    for operation, (node, state, name) in zip(cell.operations, inputs, strict=True):
        if name == SKIP:
            continue
        held = fans[state].operations[name]
        part = node - first_node(state)
        if isinstance(held, nn.ModuleList):
            _copy_same(operation, held[part])
        else:
            _copy_stacked(operation, held, part)


def _copy_stacked(target: nn.Module, stack: FullStack | SeparableStack, part: int) -> None:
    norms = [(norm, norm.channels([part]), part) for norm in stack.norms()]
    _copy(target, stack.weights_of(part), norms)


def _copy(
    target: nn.Module,
    weights: Iterable[Tensor],
    norms: Iterable[tuple[Any, Tensor | slice, int]],
) -> None:
    """Fill the convolutions and normalisations of `target`, in their order."""
    for convolution, weight in zip(_all(target, nn.Conv2d), weights, strict=True):
        convolution.weight.copy_(weight)
    for norm, (source, channels, part) in zip(_all(target, nn.BatchNorm2d), norms, strict=True):
        norm.running_mean.copy_(source.running_mean[channels])
        norm.running_var.copy_(source.running_var[channels])
        norm.num_batches_tracked.copy_(source.num_batches_tracked.reshape(-1)[part])
        _do_not_scale(norm)


def _copy_same(target: nn.Module, source: nn.Module) -> None:
    """Copy between modules that differ in scale and shift of normalisations at most."""
    target.load_state_dict(source.state_dict(), strict=False)
    for norm in _all(target, nn.BatchNorm2d):
        _do_not_scale(norm)


def _do_not_scale(norm: nn.BatchNorm2d) -> None:
    if norm.affine:
        norm.weight.fill_(1)
        norm.bias.fill_(0)


def _all(module: nn.Module, kind: type[nn.Module]) -> list[Any]:
    return [part for part in module.modules() if isinstance(part, kind)]
