"""The supernet of NAS-DIP's search space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.domain import Domain
from nasir.core.search_space import Signature
from nasir.core.supernet import INITIAL_LOGITS, Supernet
from nasir.kernels.graphs import used
from nasir.search_spaces.nasdip.cell_options import CellOptions
from nasir.search_spaces.nasdip.connections import full_name, matrix, shared_name
from nasir.search_spaces.nasdip.mixture import MixedCell
from nasir.search_spaces.nasdip.network import LevelNetwork, Place

CONNECTIONS = "connections"
"""The table ``(decisions, 2)`` of the connections that are searched: off, on."""


class NasDipSupernet(Supernet):
    """Every upsampling cell at every level, and every cross-level connection, by its weight.

    The tables of logits are those of :class:`~.cell_options.CellOptions`, and ``connections`` with
    a row for each searched connection, or level difference if they are shared. The map of a
    connection is multiplied by the weight of `on`. All levels share the architecture parameters;
    each operation has its own weights at each level. With `partial` k the cells' operations see
    1/k of the channels (PC-DARTS).
    """

    def __init__(
        self,
        domain: Domain,
        depth: int,
        width: int,
        signature: Signature,
        partial: int = 1,
        apart: bool = False,
    ) -> None:
        super().__init__()
        self.domain, self.partial = domain, partial
        self.cell = CellOptions(domain)
        connections = {
            d.name: d.options for d in domain.decisions if d.name not in self.cell.options
        }
        self.searched = [name for name, options in connections.items() if len(options) > 1]
        self.body = LevelNetwork(
            lambda: MixedCell(self.cell, width, partial),
            matrix({name: options[-1] for name, options in connections.items()}, depth),
            width,
            signature,
            apart,
        )
        shapes = self.cell.shapes()
        if self.searched:
            shapes[CONNECTIONS] = (len(self.searched), 2)
        self.tables = nn.ParameterDict(
            {name: INITIAL_LOGITS * torch.randn(shape) for name, shape in shapes.items()}
        )
        self.close({"transform": self.cell.closed} if self.cell.rows else {})

    def forward(self, x: Tensor, architecture: Architecture | None = None) -> Tensor:
        tables = self._mixed() if architecture is None else self._path(architecture)
        weights, cells = self.cell.mix(tables), dict[str, Any](self.body.up.items())
        steps = {step: cell.mixed(weights) for step, cell in cells.items()}
        y: Tensor = self.body(x, lambda step, z: steps[step](z), self._shares(tables))
        return y

    def logits(self) -> Mapping[str, nn.Parameter]:
        return dict(self.tables.items())

    def derive(self) -> Architecture:
        """The option of the greatest weight at each decision that applies.

        On a tie the first wins; for a connection that is no connection.
        """
        with torch.no_grad():
            tables = self._mixed()
        chosen = self.cell.best(tables)
        fixed = {d.name: d.options[0] for d in self.domain.decisions if len(d.options) == 1}
        rows = tables[CONNECTIONS].argmax(-1).tolist() if self.searched else []
        on = {name: bool(row) for name, row in zip(self.searched, rows, strict=True)}
        return self.domain.architecture({**fixed, **chosen, **on})

    def skips(self, architecture: Architecture) -> int:
        """1 if the cell's transform is the identity, else 0."""
        return int(architecture.choices.get("transform") == "identity")

    def complexity(self) -> Tensor:
        """The expected parameters of a cell's operations, relative to the largest cell."""
        cell: Any = self.body.up["1"]
        largest = max(max(branch.sizes) for branch in cell.branches)
        total = next(iter(self.tables.values())).new_zeros(())
        for branch, mixed in zip(cell.branches, self.cell.mix(self._mixed()), strict=True):
            if mixed is not None and largest:
                sizes = branch.sizes
                own = [weight * (sizes[place] / largest) for place, weight in mixed.terms]
                total = total + mixed.share * torch.stack(own).sum()
        return total

    def _mixed(self) -> dict[str, Tensor]:
        return {table: self.weights_of(table) for table in self.tables}

    def _path(self, architecture: Architecture) -> dict[str, Tensor]:
        """Tables with all the weight on the choices of an architecture."""
        choices = self.domain.architecture(architecture.choices).choices
        like = next(iter(self.tables.values())).detach()
        tables = self.cell.one_hot(choices, like)
        if self.searched:
            on = torch.tensor([bool(choices[name]) for name in self.searched])
            tables[CONNECTIONS] = torch.stack((~on, on), dim=-1).to(like)
        return tables

    def _shares(self, tables: Mapping[str, Tensor]) -> dict[Place, Tensor]:
        """The weights of the connections, without those of weight zero."""
        one = tables["upsample"].new_ones(())
        weights = tables[CONNECTIONS][:, 1].unbind() if self.searched else ()
        by_name = dict(zip(self.searched, weights, strict=True))
        shares = {p: by_name.get(self._decision_on(*p), one) for p in self.body.connections}
        return {place: share for place, share in shares.items() if used(share)}

    def _decision_on(self, decoder: int, source: int) -> str:
        """The decision on the connection of a source with a decoder level."""
        full = full_name(decoder, source)
        named = any(decision.name == full for decision in self.domain.decisions)
        return full if named else shared_name(source - decoder)
