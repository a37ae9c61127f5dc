"""A cell whose operations are chosen."""

from __future__ import annotations

from torch import Tensor, nn

from nasir.kernels.layout import joined
from nasir.search_spaces.cells.genotype import CellGenotype
from nasir.search_spaces.cells.operations import Activation, PointwiseConv, operation


class Cell(nn.Module):
    """A node is the sum of two operations' outputs; the cell's output is all nodes, concatenated.

    ``(N, in_two_back, H, W), (N, in_back, H, W) -> (N, nodes * width, H, W)``: both inputs are
    first mapped to `width` channels. `operations` is ordered node by node, the operation of the
    lower source first (HiNAS, section 3.1, equations 2 and 3).
    """

    def __init__(
        self,
        genotype: CellGenotype,
        in_two_back: int,
        in_back: int,
        width: int,
        affine: bool = True,
        activation: Activation = nn.ReLU,
    ) -> None:
        super().__init__()
        self.sources = tuple(source for node in genotype.nodes for source, _ in node)
        self.out_channels = len(genotype.nodes) * width
        self.preprocess0 = PointwiseConv(in_two_back, width, affine, activation)
        self.preprocess1 = PointwiseConv(in_back, width, affine, activation)
        self.operations = nn.ModuleList(
            operation(name, width, affine, activation)
            for node in genotype.nodes
            for _, name in node
        )

    def forward(self, two_back: Tensor, back: Tensor) -> Tensor:
        states = [self.preprocess0(two_back), self.preprocess1(back)]
        for place in range(0, len(self.operations), 2):
            first, second = self.operations[place : place + 2]
            low, high = self.sources[place : place + 2]
            states.append(first(states[low]) + second(states[high]))
        return joined(states[2:])
