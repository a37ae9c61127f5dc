"""The search space of CLEARER."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.diagram import Drawing
from nasir.core.domain import Decision, Domain
from nasir.core.errors import SettingsError
from nasir.core.search_space import SearchSpace, Signature
from nasir.search_spaces.clearer.diagram import network_drawing
from nasir.search_spaces.sizes import LONGEST, channels

if TYPE_CHECKING:
    from torch import nn

    from nasir.search_spaces.clearer.supernet import ClearerSupernet

NAME = "clearer"
OPTIONS = ("parallel", "fusion")
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
    """When to fuse several scales: each column of each cell is a module (CLEARER section 3.1).

    Two bottlenecks are followed by cells; before each, a transition opens a scale of half the
    resolution and twice the channels, so that S cells work on S + 1 scales. Every column of a
    cell is a parallel or a fusion module, chosen by itself: 2^(columns of all cells)
    architectures. The defaults are the paper's.
    """

    channels: int = setting(
        32, "channels of the finest scale, 1 to 65536, doubled with each other", channels
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
        "complexity of the modules: their parameters over the larger's, or the published program's "
        "0.7 and 0.3 (program)",
        must.in_(("parameters", "program")),
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

    @property
    def decision_names(self) -> tuple[tuple[str, ...], ...]:
        """The decisions of the columns of each cell: ``cell1.column1`` and so on."""
        columns = self.columns * self.cells if len(self.columns) == 1 else self.columns
        return tuple(
            tuple(f"cell{cell}.column{column}" for column in range(1, number + 1))
            for cell, number in enumerate(columns, start=1)
        )

    @cached_property
    def domain(self) -> Domain:
        names = [name for cell in self.decision_names for name in cell]
        return Domain(NAME, tuple(Decision(name, OPTIONS) for name in names))

    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        from nasir.search_spaces.clearer.network import ClearerNetwork

        modules = self.modules_of(architecture)
        return ClearerNetwork(modules, self.widths, self.bottlenecks, signature)

    def supernet(self, signature: Signature, partial: int = 1) -> ClearerSupernet:
        from nasir.search_spaces.clearer.supernet import ClearerSupernet

        return ClearerSupernet(self, signature, partial)

    def diagram(self, architecture: Architecture) -> Sequence[Drawing]:
        return (network_drawing(self.modules_of(architecture), self.widths, self.bottlenecks),)

    def modules_of(self, architecture: Architecture) -> tuple[tuple[str, ...], ...]:
        """The option of each column of each cell; refuses an architecture of another space."""
        choices = self.domain.architecture(architecture.choices).choices
        return tuple(tuple(str(choices[name]) for name in cell) for cell in self.decision_names)

    def architecture_of(self, chosen: Sequence[int]) -> Architecture:
        """The architecture of one option number a column, 0 for parallel and 1 for fusion."""
        names = [name for cell in self.decision_names for name in cell]
        return Architecture(
            NAME, {name: OPTIONS[option] for name, option in zip(names, chosen, strict=True)}
        )

    def reference(self) -> Mapping[str, Architecture]:
        """One module everywhere, or the two in turn in each cell, parallel first."""
        columns = [column for cell in self.decision_names for column in range(len(cell))]
        return {
            ALL_PARALLEL: self.architecture_of([0] * len(columns)),
            "all_fusion": self.architecture_of([1] * len(columns)),
            "alternating": self.architecture_of([column % 2 for column in columns]),
        }
