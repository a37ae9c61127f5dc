"""The HiNAS supernet written down as its equations are: the rival of `hinas_step.py`.

Every operation of every edge is a module of its own, called by itself, and its output is
multiplied by its weight; layers, widths and weights are those of a
:class:`~nasir.search_spaces.cells.supernet.CellSupernet`.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from nasir.search_spaces.cells.genotype import edges
from nasir.search_spaces.cells.level import WidthLevel
from nasir.search_spaces.cells.operations import PointwiseConv, operation
from nasir.search_spaces.cells.routing import reached, transitions, two_back
from nasir.search_spaces.cells.supercell import SuperCell
from nasir.search_spaces.cells.supernet import CellSupernet


class PlainCell(nn.Module):
    """Equation 3 of HiNAS: each node is the sum of all operations of all earlier states."""

    def __init__(self, cell: SuperCell, options: tuple[str, ...], activation: type) -> None:
        super().__init__()
        self.options, self.nodes = options, cell.nodes
        self.edges = nn.ModuleList()
        for node, state in edges(cell.nodes):
            fan, part = cell.fans[state], node - max(0, state - 1)
            made = nn.ModuleDict()
            for name, stack in fan.operations.items():
                made[name] = operation(name, fan.width, affine=False, activation=activation)
                for convolution, weight in zip(
                    convolutions(made[name]), stack.weights_of(part), strict=True
                ):
                    convolution.weight.data = weight.clone(memory_format=torch.contiguous_format)
            self.edges.append(made)

    def forward(self, two_back: Tensor, back: Tensor, weights: Tensor) -> Tensor:
        states = [two_back, back]
        row = 0
        for node in range(self.nodes):
            inputs = []
            for state in range(node + 2):
                inputs.append(self.mixed(states[state], self.edges[row], weights[row]))
                row += 1
            states.append(sum(inputs))
        return torch.cat(states[2:], 1)

    def mixed(self, x: Tensor, operations: nn.ModuleDict, weights: Tensor) -> Tensor:
        total = weights[self.options.index("skip")] * x
        for name, module in operations.items():
            total = total + weights[self.options.index(name)] * module(x)
        return total


class PlainLevel(nn.Module):
    """The cells of one width of one layer; one for all inputs (equation 5) or one each (6)."""

    def __init__(self, level: WidthLevel, options: tuple[str, ...], activation: type) -> None:
        super().__init__()
        self.sharing = level.sharing
        self.two_back = brought(level.two_back, activation)
        self.back = brought(level.back, activation)
        self.cells = nn.ModuleList(PlainCell(cell, options, activation) for cell in level.cells)

    def forward(
        self,
        two_back: dict[int, Tensor],
        back: dict[int, Tensor],
        shares: dict[int, Tensor],
        betas: dict[int, Tensor],
        weights: Tensor,
    ) -> Tensor:
        first = sum(share * self.two_back[str(k)](two_back[k]) for k, share in shares.items())
        features = {k: self.back[str(k)](back[k]) for k in betas}
        if self.sharing:
            return self.cells[0](first, sum(b * features[k] for k, b in betas.items()), weights)
        return sum(
            beta * cell(first, features[k], weights)
            for cell, (k, beta) in zip(self.cells, betas.items(), strict=True)
        )


class PlainSupernet(nn.Module):
    """The same function and weights as `supernet`, whose start and end it copies."""

    def __init__(self, supernet: CellSupernet) -> None:
        super().__init__()
        space, body = supernet.space, supernet.body
        self.ladder, self.frame = supernet.ladder, supernet.frame
        self.start, self.end = copy.deepcopy(body.start), copy.deepcopy(body.end)
        self.layers = nn.ModuleList(
            nn.ModuleDict(
                {
                    i: PlainLevel(level, space.options, space.activation)
                    for i, level in layer.items()
                }
            )
            for layer in body.layers
        )
        self.alphas = nn.Parameter(supernet.alphas.detach().clone())
        self.betas = nn.Parameter(supernet.betas.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        ladder = self.ladder
        levels = transitions(ladder, self.betas.softmax(-1))
        reach = reached(ladder, levels)
        alphas = self.alphas.softmax(-1)
        first, second = self.start(x)
        before, now = {0: first}, {0: second}
        for layer, cells in enumerate(self.layers):
            made = {}
            for i in ladder.at(layer):
                betas = {k: levels[layer, k, i] for k in ladder.sources(layer, i)}
                shares = two_back(ladder, levels, reach, layer, i)
                made[i] = cells[str(i)](before, now, shares, betas, alphas[layer])
            before, now = now, made
        last = list(now.values())
        return self.frame(x, self.end(last, torch.stack([reach[-1][i] for i in now])))


def brought(projections: nn.ModuleDict, activation: type) -> nn.ModuleDict:
    """The 1x1 convolutions before cells, one module each."""
    made = nn.ModuleDict()
    for k, stack in projections.items():
        (weight,) = stack.weights_of(0)
        made[k] = PointwiseConv(weight.shape[1], weight.shape[0], False, activation)
        made[k][1].weight.data = weight.clone(memory_format=torch.contiguous_format)
    return made


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    """All convolutions of a module, in order."""
    return [part for part in module.modules() if isinstance(part, nn.Conv2d)]
