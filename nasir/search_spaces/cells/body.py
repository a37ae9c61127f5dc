"""The layers of a supernet of cells, from its start to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial as bound
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from nasir.kernels.choice import MEMORY_FORMAT
from nasir.kernels.graphs import used
from nasir.search_spaces.cells.architectures import CellArchitectures
from nasir.search_spaces.cells.ends import START, Start, SupernetEnd
from nasir.search_spaces.cells.genotype import NONE
from nasir.search_spaces.cells.level import WidthLevel
from nasir.search_spaces.cells.operations import operation
from nasir.search_spaces.cells.routing import Ladder, Transitions, reached, two_back
from nasir.search_spaces.cells.supercell import SuperCell


@attrs.frozen
class Mix:
    """The weights of a forward pass; what has weight zero is not computed.

    `operations` are ``(edges, options)`` for each layer, `levels` the transitions between widths.
    With `literal`, the second input of a cell and the end follow equation 5 of HiNAS as printed,
    else the probabilities of the levels (:func:`~.routing.two_back`).
    """

    operations: Sequence[Tensor]
    levels: Transitions
    literal: bool = False


class SuperBody(nn.Module):
    """Start, layers of cells of all widths, and end, ``(N, C, H, W) -> (N, out, H, W)``."""

    def __init__(
        self,
        space: CellArchitectures,
        ladder: Ladder,
        widths: Sequence[int],
        in_channels: int,
        out_channels: int,
        partial: int,
    ) -> None:
        super().__init__()
        self.ladder = ladder
        self.start = Start(in_channels, affine=False)
        self.layers: Any = nn.ModuleList(
            nn.ModuleDict(
                {
                    str(i): level_of(space, ladder, widths, layer, i, partial)
                    for i in ladder.at(layer)
                }
            )
            for layer in range(ladder.layers)
        )
        self.activate = space.activation()
        last = [space.nodes * widths[i] for i in ladder.at(ladder.layers - 1)]
        self.end: Any = SupernetEnd(last, out_channels, False, space.activation)

    def forward(self, x: Tensor, mix: Mix) -> Tensor:
        reach = reached(self.ladder, mix.levels)
        outputs: dict[int, Tensor] = {}
        # `contiguous` would not change the strides of one channel, and convolutions go by these
        x = x.clone(memory_format=MEMORY_FORMAT)
        before, now = ({0: self.activate(feature)} for feature in self.start(x))
        for layer in range(self.ladder.layers):
            outputs = self._layer(layer, before, now, mix, reach)
            before, now = now, {i: self.activate(h) for i, h in outputs.items()}
        weights = {i: torch.ones_like(w) if mix.literal else w for i, w in reach[-1].items()}
        places = {level: place for place, level in enumerate(self.ladder.at(layer))}
        ends = [level for level in places if level in outputs and used(weights[level])]
        restored: Tensor = self.end.mixed(
            {places[level]: outputs[level] for level in ends},
            {places[level]: weights[level] for level in ends},
        )
        return restored

    def _layer(
        self,
        layer: int,
        before: Mapping[int, Tensor],
        now: Mapping[int, Tensor],
        mix: Mix,
        reach: Sequence[Mapping[int, Tensor]],
    ) -> dict[int, Tensor]:
        """The outputs by level of the layer's cells that some path reaches."""
        weights = mix.operations[layer]
        run = bound(_run, weights=weights, active=used(weights))
        made = {}
        for level in self.ladder.at(layer):
            into = {k: mix.levels[layer, k, level] for k in self.ladder.sources(layer, level)}
            into = {k: weight for k, weight in into.items() if k in now and used(weight)}
            if not into:
                continue
            if mix.literal:
                nearest = min(before, key=lambda k: abs(k - level))
                shares = {nearest: torch.ones_like(reach[layer][level])}
            else:
                shares = two_back(self.ladder, mix.levels, reach, layer, level)
            shares = {k: share for k, share in shares.items() if used(share)}
            made[level] = self.layers[layer][str(level)](before, now, shares, into, run)
        return made


def level_of(
    space: CellArchitectures,
    ladder: Ladder,
    widths: Sequence[int],
    layer: int,
    level: int,
    partial: int,
) -> WidthLevel:
    """The cells of one width in a layer, and the 1x1 convolutions before them."""

    def channels(layer: int, level: int) -> int:
        return START if layer < 0 else space.nodes * widths[level]

    options = {
        name: None
        if name == NONE
        else bound(operation, name, affine=False, activation=space.activation)
        for name in space.options
    }
    make_cell = bound(SuperCell, options, space.nodes, widths[level], partial)
    return WidthLevel(
        {k: channels(layer - 2, k) for k in ladder.at(layer - 2)},
        {k: channels(layer - 1, k) for k in ladder.sources(layer, level)},
        widths[level],
        space.activation,
        make_cell,
        space.cell_sharing,
    )


def _run(
    cell: SuperCell,
    two_back: Tensor,
    back: Tensor,
    weights: Tensor,
    active: Sequence[Sequence[bool]],
) -> Tensor:
    output: Tensor = cell(two_back, back, weights, active)
    return output
