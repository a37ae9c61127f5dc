"""The supernet of CLEARER's search space (section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial as bound
from typing import Any

import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.search_space import Signature
from nasir.core.supernet import INITIAL_LOGITS, Supernet
from nasir.kernels.choice import MEMORY_FORMAT
from nasir.kernels.graphs import used
from nasir.search_spaces.clearer.blocks import start_small
from nasir.search_spaces.clearer.columns import Columns
from nasir.search_spaces.clearer.mixture import MixedColumn
from nasir.search_spaces.clearer.network import MODULES, Backbone, Column

PROGRAM_COMPLEXITY = (0.7, 0.3)
"""Of the parallel and the fusion module, in the published program."""


class ClearerSupernet(Supernet):
    """Both modules in every column, mixed by the table ``alphas`` (columns of all cells, 2).

    Its two options are parallel and fusion, in this order. The mixture is that of
    :class:`~.mixture.MixedColumn`, `chained` or not. With `partial` k the columns' modules see 1/k
    of the channels of each branch; the others pass by, and all are shuffled (PC-DARTS).
    """

    sizes: Tensor

    def __init__(
        self,
        columns: Columns,
        widths: Sequence[int],
        bottlenecks: int,
        signature: Signature,
        partial: int = 1,
        *,
        chained: bool = False,
        program_complexity: bool = False,
    ) -> None:
        super().__init__()
        self.columns, self.partial = columns, partial
        self.program_complexity = program_complexity
        self.backbone = Backbone(widths, bottlenecks, signature)
        self.cells: Any = nn.ModuleList(
            nn.ModuleList(MixedColumn(widths[: scale + 1], chained, partial) for _ in names)
            for scale, names in enumerate(columns.names, start=1)
        )
        rows = sum(columns.numbers)
        self.alphas = nn.Parameter(INITIAL_LOGITS * torch.randn(rows, len(MODULES)))
        start_small(self)
        self.to(memory_format=MEMORY_FORMAT)  # type: ignore[call-overload]
        self.register_buffer("sizes", self._sizes(), persistent=False)

    def forward(self, x: Tensor, architecture: Architecture | None = None) -> Tensor:
        return self.backbone(x, self._mixed() if architecture is None else self._path(architecture))

    def logits(self) -> Mapping[str, nn.Parameter]:
        return {"alphas": self.alphas}

    def derive(self) -> Architecture:
        """The option of the greater weight in each row, parallel where both are equal."""
        with torch.no_grad():
            best = self.weights_of("alphas").argmax(dim=-1).tolist()
        return self.columns.architecture_of(best)

    def complexity(self) -> Tensor:
        """CLEARER, equation 5: the mean of a C over the N weights a of all modules.

        C is a module's number of parameters over that of the largest module of all, so that a
        module that is 17 times as large costs 17 times as much. With `program_complexity`, it is
        the mean over the columns, with C 0.7 for parallel and 0.3 for fusion.
        """
        total = (self.weights_of("alphas") * self.sizes).sum()
        of = len(self.sizes) if self.program_complexity else self.sizes.numel()
        return total / of

    def _mixed(self) -> list[list[Column]]:
        weights = self.weights_of("alphas")
        rows = zip(weights, used(weights), strict=True)
        return [[bound(column.mixed, *next(rows)) for column in cell] for cell in self.cells]

    def _path(self, architecture: Architecture) -> list[list[Column]]:
        chosen = self.columns.modules_of(architecture)
        return [
            [bound(column.one, option) for column, option in zip(cell, options, strict=True)]
            for cell, options in zip(self.cells, chosen, strict=True)
        ]

    def _sizes(self) -> Tensor:
        """C of equation 5: ``(columns, 2)``."""
        columns = [column for cell in self.cells for column in cell]
        if self.program_complexity:
            return torch.tensor([PROGRAM_COMPLEXITY] * len(columns))
        sizes = torch.tensor(
            [[_parameters(column[name]) for name in MODULES] for column in columns]
        )
        return sizes / sizes.amax()


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
