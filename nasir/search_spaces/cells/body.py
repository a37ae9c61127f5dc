"""The features of a supernet of cells, from the start part to the end part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial as bound
from typing import TYPE_CHECKING, Any

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.search_spaces.cells.ends import ASPP, START, Aspp, Start, SupernetEnd
from nasir.search_spaces.cells.genotype import NONE, SKIP
from nasir.search_spaces.cells.level import WidthLevel
from nasir.search_spaces.cells.operations import operation
from nasir.search_spaces.cells.phases import dilated_depthwise
from nasir.search_spaces.cells.routing import Ladder, Transitions, is_used, reached, two_back
from nasir.search_spaces.cells.supercell import SuperCell

if TYPE_CHECKING:
    from nasir.search_spaces.cells.space import CellSpace


@attrs.frozen
class Mix:
    """The weights of a forward pass; no work is done for what is exactly zero.

    `operations` are ``(edges, options)`` a layer, `levels` the transitions between widths. With
    `literal`, the second input of a cell and the end part follow equation 5 of HiNAS as printed,
    else the levels' probabilities (:func:`~.routing.two_back`).
    """

    operations: Sequence[Tensor]
    levels: Transitions
    literal: bool = False


class SuperBody(nn.Module):
    """Start, layers of cells of all widths, and end, ``(N, C, H, W) -> (N, out, H, W)``."""

    def __init__(
        self,
        space: CellSpace,
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
        # Of one channel, `contiguous` would keep strides that convolutions take for channels first.
        x = x.clone(memory_format=torch.channels_last)
        before, now = ({0: self.activate(feature)} for feature in self.start(x))
        for layer in range(self.ladder.layers):
            outputs = self._layer(layer, before, now, mix, reach)
            before, now = now, {i: self.activate(h) for i, h in outputs.items()}
        ones = {i: torch.ones_like(share) for i, share in reach[-1].items()}
        return self._finished(outputs, ones if mix.literal else reach[-1])

    def _layer(
        self,
        layer: int,
        before: Mapping[int, Tensor],
        now: Mapping[int, Tensor],
        mix: Mix,
        reach: Sequence[Mapping[int, Tensor]],
    ) -> dict[int, Tensor]:
        """The outputs of a layer's cells that a path may reach, by level."""
        weights = mix.operations[layer]
        run = bound(_run, weights=weights, active=(weights.detach() != 0).tolist())
        made = {}
        for level in self.ladder.at(layer):
            into = {k: mix.levels[layer, k, level] for k in self.ladder.sources(layer, level)}
            into = {k: weight for k, weight in into.items() if k in now and is_used(weight)}
            if not into:
                continue
            if mix.literal:
                nearest = min(before, key=lambda k: abs(k - level))
                shares = {nearest: torch.ones_like(reach[layer][level])}
            else:
                shares = two_back(self.ladder, mix.levels, reach, layer, level)
            shares = {k: share for k, share in shares.items() if is_used(share)}
            made[level] = self.layers[layer][str(level)](before, now, shares, into, run)
        return made

    def _finished(self, outputs: Mapping[int, Tensor], weights: Mapping[int, Tensor]) -> Tensor:
        """The end part on weighted levels.

        As a rectifier of w y is w times that of y, w goes into the convolution's weights.
        """
        activation, convolution, norm = self.end.fuse
        levels = self.ladder.at(self.ladder.layers - 1)
        made, kernels = [], []
        for place, level in enumerate(levels):
            weight = weights[level]
            if level in outputs and is_used(weight):
                made.append(_pyramid(self.end.aspps[place], outputs[level]))
                seen = convolution.weight[:, place * 2 * ASPP : (place + 1) * 2 * ASPP]
                kernels.append(weight.to(seen.device) * seen)
        y = F.conv2d(activation(torch.cat(made, 1)), torch.cat(kernels, 1), padding=1)
        features: Tensor = self.end.output(norm(y))
        return features


def level_of(
    space: CellSpace,
    ladder: Ladder,
    widths: Sequence[int],
    layer: int,
    level: int,
    partial: int,
) -> WidthLevel:
    """The cells of one width in a layer, with what comes before them."""

    def channels(layer: int, level: int) -> int:
        return START if layer < 0 else space.nodes * widths[level]

    makers = {
        name: bound(operation, name, affine=False, activation=space.activation)
        for name in space.options
        if name not in (SKIP, NONE)
    }
    make_cell = bound(SuperCell, space.options, makers, space.nodes, widths[level], partial)
    return WidthLevel(
        {k: channels(layer - 2, k) for k in ladder.at(layer - 2)},
        {k: channels(layer - 1, k) for k in ladder.sources(layer, level)},
        widths[level],
        space.activation,
        make_cell,
        space.cell_sharing,
    )


def _pyramid(aspp: Aspp, x: Tensor) -> Tensor:
    """What `aspp` makes of `x`, its dilated convolutions as plain ones."""
    branches: Any = aspp.branches
    point, *others = branches
    made = [point(x)]
    for activation, depthwise, pointwise, norm in others:
        rate = depthwise.dilation[0]
        made.append(norm(pointwise(dilated_depthwise(activation(x), depthwise.weight, rate))))
    return torch.cat(made, 1)


def _run(
    cell: SuperCell,
    two_back: Tensor,
    back: Tensor,
    weights: Tensor,
    active: Sequence[Sequence[bool]],
) -> Tensor:
    output: Tensor = cell(two_back, back, weights, active)
    return output
