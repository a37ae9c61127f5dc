"""All cells of one width in one layer of a supernet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nasir.kernels.normalised_sum import normalised_sum
from nasir.kernels.stacks import FullStack
from nasir.search_spaces.cells.operations import Activation, PointwiseConv
from nasir.search_spaces.cells.supercell import SuperCell

CellRun = Callable[[SuperCell, Tensor, Tensor], Tensor]
"""Runs a cell on its two inputs, with the layer's weights of operations."""


class WidthLevel(nn.Module):
    """The cells of `width` channels a node in one layer, and the 1x1 convolutions before them.

    `two_back` and `back` are the channels of the possible inputs, by level. With `sharing`, one
    cell takes the sum of all inputs from the layer before (HiNAS, equation 5); otherwise each level
    in `back` has its own cell, and the outputs are summed (equation 6).
    """

    def __init__(
        self,
        two_back: Mapping[int, int],
        back: Mapping[int, int],
        width: int,
        activation: Activation,
        make_cell: Callable[[], SuperCell],
        sharing: bool,
    ) -> None:
        super().__init__()
        self.two_back: Any
        self.back: Any
        self.two_back, self.back = (
            nn.ModuleDict(
                {
                    str(level): FullStack([PointwiseConv(channels, width, False, activation)])
                    for level, channels in sources.items()
                }
            )
            for sources in (two_back, back)
        )
        self.sharing = sharing
        self.cells: Any = nn.ModuleList(make_cell() for _ in range(1 if sharing else len(back)))

    def forward(
        self,
        two_back: Mapping[int, Tensor],
        back: Mapping[int, Tensor],
        shares: Mapping[int, Tensor],
        weights: Mapping[int, Tensor],
        run: CellRun,
    ) -> Tensor:
        """From activated features by level to ``(N, nodes width, H, W)``.

        `shares` are the weights of the features from two layers back. `weights` are the betas of
        equations 5 and 6: those of the features from the layer before, or of the cells' outputs.
        Levels without a weight are not computed.
        """
        first = self._weighted(self.two_back, two_back, shares)
        if self.sharing:
            return run(self.cells[0], first, self._weighted(self.back, back, weights))
        made = [
            weight
            * run(
                self.cell_of(k),
                first,
                self._weighted(self.back, back, {k: torch.ones_like(weight)}),
            )
            for k, weight in weights.items()
        ]
        return sum(made[1:], made[0])

    def cell_of(self, source: int) -> SuperCell:
        """The cell for the input from level `source`."""
        place = 0 if self.sharing else list(self.back).index(str(source))
        cell: SuperCell = self.cells[place]
        return cell

    @staticmethod
    def _weighted(
        projections: Any, features: Mapping[int, Tensor], weights: Mapping[int, Tensor]
    ) -> Tensor:
        """The weighted sum of the normalised 1x1 convolutions of the features."""
        chosen = [projections[str(k)] for k in weights]
        return normalised_sum(
            [stack(features[k], (0,)) for k, stack in zip(weights, chosen, strict=True)],
            [stack.norm for stack in chosen],
            [weight.reshape(1) for weight in weights.values()],
            [(0,)] * len(chosen),
        )
