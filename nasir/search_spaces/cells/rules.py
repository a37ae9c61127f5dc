"""The rules by which HiNAS (section 4.2.4) and IR-NAS (section 4.3) change what they found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

from nasir.core.errors import ArchitectureError
from nasir.search_spaces.cells.genotype import CellGenotype

if TYPE_CHECKING:
    import numpy as np

CONVENTIONAL = "conv_"
"""How the names of conventional convolutions begin."""

Change = Callable[[CellGenotype, "np.random.Generator"], CellGenotype]


def rules(replacements: Sequence[str]) -> Mapping[str, Change]:
    """R1: another convolution in place of each conventional one. R2: other inputs of the nodes."""
    return {"R1": partial(other_convolutions, replacements), "R2": other_inputs}


def other_convolutions(
    replacements: Sequence[str], cell: CellGenotype, rng: np.random.Generator
) -> CellGenotype:
    """The cell with one of `replacements`, drawn each time, for each conventional convolution."""
    return CellGenotype(
        tuple(
            tuple(  # type: ignore[misc]
                (state, str(rng.choice(list(replacements))) if _is_conventional(name) else name)
                for state, name in node
            )
            for node in cell.nodes
        )
    )


def other_inputs(cell: CellGenotype, rng: np.random.Generator) -> CellGenotype:
    """The cell with another pair of inputs, drawn, of each node that could have another one.

    The operations stay. The first node has the cell's two inputs alone to choose from.
    """
    made = []
    for number, ((low, first), (high, second)) in enumerate(cell.nodes):
        others = [pair for pair in combinations(range(number + 2), 2) if pair != (low, high)]
        if others:
            low, high = others[int(rng.integers(len(others)))]
        made.append(((low, first), (high, second)))
    return CellGenotype(tuple(made))


def check_rule(rule: str, cells: Sequence[CellGenotype], replacements: Sequence[str]) -> None:
    """Refuse a rule that would change nothing; raises ArchitectureError."""
    names = {name for cell in cells for node in cell.nodes for _, name in node}
    if rule == "R1" and not any(map(_is_conventional, names)):
        raise ArchitectureError(
            "R1 does not apply to this architecture: it has no conventional convolution, such as "
            "conv_3; leave R1 out"
        )
    if rule == "R1" and not replacements:
        raise ArchitectureError(
            "R1 does not apply in this space: space.operations has no other convolution; leave R1 "
            "out"
        )
    if rule == "R2" and all(len(cell.nodes) == 1 for cell in cells):
        raise ArchitectureError(
            "R2 does not apply to this architecture: cells of one node have no other inputs; leave "
            "R2 out"
        )


def _is_conventional(name: str) -> bool:
    return name.startswith(CONVENTIONAL)
