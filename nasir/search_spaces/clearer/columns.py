"""The decisions of CLEARER: the module of each column of each cell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import attrs

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain

NAME = "clearer"
OPTIONS = ("parallel", "fusion")


@attrs.frozen(slots=False)
class Columns:
    """The searched columns, `numbers` of them in each cell."""

    numbers: tuple[int, ...]

    @cached_property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """The decisions of each cell: ``cell1.column1`` and so on."""
        return tuple(
            tuple(f"cell{cell}.column{column}" for column in range(1, number + 1))
            for cell, number in enumerate(self.numbers, start=1)
        )

    @cached_property
    def domain(self) -> Domain:
        """2^(columns of all cells) architectures."""
        return Domain(NAME, tuple(Decision(name, OPTIONS) for cell in self.names for name in cell))

    def modules_of(self, architecture: Architecture) -> tuple[tuple[str, ...], ...]:
        """The option of each column of each cell; refuses an architecture of another space."""
        choices = self.domain.architecture(architecture.choices).choices
        return tuple(tuple(str(choices[name]) for name in cell) for cell in self.names)

    def architecture_of(self, chosen: Sequence[int]) -> Architecture:
        """The architecture of one option number a column, 0 for parallel and 1 for fusion."""
        names = [name for cell in self.names for name in cell]
        return Architecture(
            NAME, {name: OPTIONS[option] for name, option in zip(names, chosen, strict=True)}
        )
