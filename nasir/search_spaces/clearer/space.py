"""The search space of CLEARER."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.domain import Domain
from nasir.core.errors import SettingsError
from nasir.core.search_space import SearchSpace, Signature
from nasir.search_spaces.clearer.columns import Columns
from nasir.search_spaces.sizes import LONGEST, channels

if TYPE_CHECKING:
    from torch import nn

    from nasir.core.diagram import Drawing
    from nasir.core.supernet import Supernet

ALL_PARALLEL = "all_parallel"


def _numbers(given: Any) -> Any:
    return (given,) if isinstance(given, int) else given


def _per_cell(space: Clearer, field: attrs.Attribute[Any], columns: tuple[int, ...]) -> None:
    if len(columns) not in (1, space.cells) or any(not 1 <= n <= LONGEST for n in columns):
        raise SettingsError(
            f"space.columns wants numbers from 1 to {LONGEST}, one for all {space.cells} cells or "
            f"one for each, got {list(columns)}"
        )


@attrs.define(slots=False)
class Clearer(SearchSpace):
    """When to fuse several scales: each column of each cell is a module (CLEARER, section 3.1).

    The cells follow two bottlenecks. Before each cell a transition opens a scale of half the
    resolution and twice the channels, so that S cells work on S + 1 scales. Every column of a cell
    is a parallel or a fusion module: 2^(columns of all cells) architectures. The defaults are the
    paper's, but for `residual`.
    """

    channels: int = setting(
        32, "channels of the finest scale, 1 to 65536, doubled at each coarser scale", channels
    )
    cells: int = setting(3, "cells, one less than scales, 1 to 6", [must.ge(1), must.le(6)])
    columns: tuple[int, ...] = setting(
        (4,),
        "modules one after another in a cell, 1 to 100: for all, or for each",
        _per_cell,
        _numbers,
    )
    bottlenecks: int = setting(
        2, "fixed modules before the cells, 1 to 100", [must.ge(1), must.le(LONGEST)]
    )
    mixture: str = setting(
        "paper",
        "a supernet's column of x: w0 P(x) + w1 F(x) (paper), w0 P(x) + w1 F(P(x)) (program)",
        must.in_(("paper", "program")),
    )
    complexity: str = setting(
        "parameters",
        "complexity of the modules: number of parameters, of the largest module (parameters), or "
        "the published program's 0.7 and 0.3 (program)",
        must.in_(("parameters", "program")),
    )

    residual: bool = setting(
        True,
        "whether the network's output is subtracted from its input where it is trained to undo "
        "noise, rain, blur or JPEG; the paper's is not",
    )

    default_evaluator = "train"
    baseline = ALL_PARALLEL

    @property
    def smallest_side(self) -> int:  # type: ignore[override]
        """One pixel of the coarsest scale."""
        return 2**self.cells

    @property
    def widths(self) -> tuple[int, ...]:
        """The channels of each scale, the finest first."""
        return tuple(self.channels * 2**scale for scale in range(self.cells + 1))

    @cached_property
    def searched(self) -> Columns:
        """The columns of all cells."""
        return Columns(self.columns * self.cells if len(self.columns) == 1 else self.columns)

    @property
    def domain(self) -> Domain:
        return self.searched.domain

    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        from nasir.search_spaces.clearer.network import ClearerNetwork

        modules = self.searched.modules_of(architecture)
        return ClearerNetwork(modules, self.widths, self.bottlenecks, self._framed(signature))

    def supernet(self, signature: Signature, partial: int = 1) -> Supernet:
        from nasir.search_spaces.clearer.supernet import ClearerSupernet

        if partial < 1 or self.channels % partial:
            raise SettingsError(
                f"partial={partial} does not divide the {self.channels} channels of space.channels"
            )
        return ClearerSupernet(
            self.searched,
            self.widths,
            self.bottlenecks,
            self._framed(signature),
            partial,
            chained=self.mixture == "program",
            program_complexity=self.complexity == "program",
        )

    def _framed(self, signature: Signature) -> Signature:
        return attrs.evolve(signature, alike=signature.alike and self.residual)

    def diagram(self, architecture: Architecture) -> Sequence[Drawing]:
        from nasir.search_spaces.clearer.diagram import network_drawing

        modules = self.searched.modules_of(architecture)
        return (network_drawing(modules, self.widths, self.bottlenecks),)

    def reference(self) -> Mapping[str, Architecture]:
        """One module everywhere, or the two in turn in each cell, parallel first."""
        columns = [column for cell in self.searched.names for column in range(len(cell))]
        return {
            ALL_PARALLEL: self.searched.architecture_of([0] * len(columns)),
            "all_fusion": self.searched.architecture_of([1] * len(columns)),
            "alternating": self.searched.architecture_of([column % 2 for column in columns]),
        }
