"""The supernet of spaces of cells: all operations on all edges, in cells of all widths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.search_space import Signature
from nasir.core.supernet import Inputs, Supernet
from nasir.kernels.graphs import constant, on_host
from nasir.search_spaces.cells import widths
from nasir.search_spaces.cells.architectures import CellArchitectures
from nasir.search_spaces.cells.body import Mix, SuperBody
from nasir.search_spaces.cells.derivation import cell_of
from nasir.search_spaces.cells.frame import Frame
from nasir.search_spaces.cells.genotype import NONE, SKIP, CellGenotype, Genotype, edges
from nasir.search_spaces.cells.routing import Ladder, along, reached, transitions


class CellSupernet(Supernet):
    """Tables ``alphas`` (layers, edges, options), or (edges, options) where layers share a cell,
    and ``betas`` (rows, 3) where widths are searched.

    With `partial` k, operations see 1/k of a cell's channels (PC-DARTS). Batch normalisations
    have no scale and shift.
    """

    def __init__(self, space: CellArchitectures, signature: Signature, partial: int = 1) -> None:
        super().__init__()
        self.space, self.partial = space, partial
        self.ladder = Ladder(space.layers, len(space.width_factors), space.levels)
        self.widths = [
            widths.cell_width(space.search_width, factor) for factor in space.width_factors
        ]
        wrong = [width for width in self.widths if partial < 1 or width % partial]
        if wrong:
            raise SettingsError(
                f"partial={partial} does not divide the width {wrong[0]} of a cell: take a divisor "
                f"of all of {', '.join(map(str, self.widths))}"
            )
        self.frame = Frame(signature, space.residual, space.upsampling)
        self.body = SuperBody(
            space,
            self.ladder,
            self.widths,
            signature.in_channels,
            self.frame.body_channels,
            partial,
        )
        shape = (len(edges(space.nodes)), len(space.options))
        self.alphas = nn.Parameter(
            torch.ones(space.layers, *shape) if space.layer_wise else torch.ones(shape)
        )
        self.betas = None if self.ladder.fixed else nn.Parameter(self.ladder.initial_logits())

    def forward(self, x: Tensor, architecture: Architecture | None = None) -> Tensor:
        mix = self._mixed() if architecture is None else self.path(architecture)
        return self.frame(x, self.body(x, mix))

    def logits(self) -> Mapping[str, nn.Parameter]:
        return {"alphas": self.alphas} | ({} if self.betas is None else {"betas": self.betas})

    def derive(self) -> Architecture:
        """The two best edges of each node and the path of widths with the largest product."""
        space = self.space
        with torch.no_grad():
            cells = [
                cell_of(weights.tolist(), space.options, space.nodes)
                for weights in self._operations()
            ]
            levels = list(self.ladder.fixed)
            if not levels:
                rows = self.weights_of("betas").tolist()
                levels = widths.viterbi(
                    widths.transitions(rows, space.layers, len(space.width_factors))
                )
        return space.architecture_of(Genotype(tuple(cells), tuple(levels)))

    def competing(self) -> Sequence[Inputs]:
        """The edges of each node, of which two stay."""
        tables = self.space.layers if self.space.layer_wise else 1
        here = edges(self.space.nodes)
        none = self.space.options.index(NONE)
        return [
            Inputs("alphas", tuple(table * len(here) + row for row in rows), 2, none)
            for table in range(tables)
            for node in range(self.space.nodes)
            if (rows := [row for row, (to, _) in enumerate(here) if to == node])
        ]

    def skips(self, architecture: Architecture) -> int:
        cells = self.space.genotype(architecture).cells
        return max(sum(name == SKIP for node in cell.nodes for _, name in node) for cell in cells)

    def complexity(self) -> Tensor:
        """The expected number of parameters of the operations, relative to the largest possible.

        It is 1 with the largest operation on every edge of the widest cell of every layer.
        """
        reach = reached(self.ladder, self._mixed().levels)
        expected, largest = [], 0.0
        for layer, weights in enumerate(self._operations()):
            sizes = {i: self._sizes(layer, i) for i in self.ladder.at(layer)}
            expected += [
                reach[layer][i] * (weights @ constant(size, weights, weights.dtype)).sum()
                for i, size in sizes.items()
            ]
            largest += max(map(max, sizes.values())) * len(weights)
        return torch.stack(expected).sum().to(self.alphas.device) / largest

    def _sizes(self, layer: int, level: int) -> list[float]:
        """The parameters of each option on one edge of a cell."""
        fan = self.body.layers[layer][str(level)].cells[0].fans[0]
        edges_of_it = self.space.nodes
        return [
            _size(fan.operations[name], edges_of_it) if name in fan.operations else 0.0
            for name in self.space.options
        ]

    def _operations(self) -> list[Tensor]:
        """The weights of the operations, ``(edges, options)`` for each layer."""
        alphas = self.weights_of("alphas")
        return list(alphas) if self.space.layer_wise else [alphas] * self.space.layers

    def _mixed(self) -> Mix:
        betas = self.alphas.new_ones((), device="cpu")
        if self.betas is not None:
            betas = on_host(self.weights_of("betas"))
        levels = transitions(self.ladder, betas)
        return Mix(self._operations(), levels, self.space.routing == "literal")

    def path(self, architecture: Architecture) -> Mix:
        """The weights of the path of `architecture`: one for what is on it, else zero."""
        genotype = self.space.genotype(architecture)
        operations = [self._one_hot(cell).to(self.alphas) for cell in genotype.cells]
        levels = along(self.ladder, genotype.levels, self.alphas.new_zeros((), device="cpu"))
        return Mix(operations, levels, literal=False)

    def _one_hot(self, cell: CellGenotype) -> Tensor:
        """1 for the operation on each edge of the cell, and for `none` on other edges."""
        chosen = {
            (node, state): name for node, pair in enumerate(cell.nodes) for state, name in pair
        }
        columns = [
            self.space.options.index(chosen.get(edge, NONE)) for edge in edges(self.space.nodes)
        ]
        return F.one_hot(torch.tensor(columns), len(self.space.options))


def _size(operation: nn.Module, edges: int) -> float:
    return sum(p.numel() for p in operation.parameters()) / edges
