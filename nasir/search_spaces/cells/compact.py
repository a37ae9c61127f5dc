"""The network of one genotype: a cell for each layer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from nasir.core.search_space import Signature
from nasir.search_spaces.cells.architectures import CellArchitectures
from nasir.search_spaces.cells.cell import Cell
from nasir.search_spaces.cells.ends import START, CompactEnd, Start
from nasir.search_spaces.cells.frame import Frame
from nasir.search_spaces.cells.genotype import Genotype
from nasir.search_spaces.cells.widths import cell_width


class CompactNetwork(nn.Module):
    """Start, cells one after another, end, and the residual frame around them.

    ``(N, C, H, W) -> (N, C', sH, sW)`` (HiNAS, figures 2 and 4; IR-NAS, figure 2).
    """

    def __init__(self, start: Start, cells: Sequence[Cell], end: nn.Module, frame: Frame) -> None:
        super().__init__()
        self.start = start
        self.cells = nn.ModuleList(cells)
        self.end = end
        self.frame = frame

    def forward(self, x: Tensor) -> Tensor:
        low_level, back = self.start(x)
        two_back = low_level
        for cell in self.cells:
            two_back, back = back, cell(two_back, back)
        restored: Tensor = self.frame(x, self.end(back, low_level))
        return restored


def compact_network(
    space: CellArchitectures, genotype: Genotype, signature: Signature
) -> CompactNetwork:
    """The network of a genotype, with the width of `space`."""
    frame = Frame(signature, space.residual, space.upsampling)
    cells: list[Cell] = []
    channels = [START, START]
    for cell, level in zip(genotype.cells, genotype.levels, strict=True):
        width = cell_width(space.width, space.width_factors[level])
        cells.append(Cell(cell, channels[-2], channels[-1], width, activation=space.activation))
        channels.append(cells[-1].out_channels)
    end = CompactEnd(channels[-1], frame.body_channels, space.activation, space.aspp)
    return CompactNetwork(Start(signature.in_channels), cells, end, frame)
