"""The decisions of a genotype, and their names.

``layer0.node1.inputs`` names the two sources of a node, ``layer0.node1.first`` and ``.second`` the
operations on the lower and the higher one, ``layer0.width`` the factor of the layer's width. Where
all layers share one cell, ``cell`` replaces ``layer0``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from nasir.core.architecture import Value
from nasir.core.domain import Condition, Decision
from nasir.search_spaces.cells.genotype import CellGenotype, Genotype
from nasir.search_spaces.cells.widths import reachable

SHARED = "cell"


def cell_names(layers: int, layer_wise: bool) -> list[str]:
    """The names of the searched cells."""
    return [f"layer{layer}" for layer in range(layers)] if layer_wise else [SHARED]


def cell_decisions(cell: str, nodes: int, operations: Sequence[str]) -> list[Decision]:
    """The decisions of one cell: product over nodes i of C(i + 2, 2) * operations^2 cells."""
    decisions: list[Decision] = []
    for node in range(nodes):
        pairs = [f"{low}+{high}" for low, high in combinations(range(node + 2), 2)]
        decisions += [
            Decision(f"{cell}.node{node}.inputs", pairs),
            Decision(f"{cell}.node{node}.first", operations),
            Decision(f"{cell}.node{node}.second", operations),
        ]
    return decisions


def width_decisions(layers: int, factors: Sequence[float]) -> list[Decision]:
    """The factor of each layer, among those that a path can have reached."""
    return [
        Decision(_width(layer), factors[: reachable(layer, len(factors))])
        for layer in range(layers)
    ]


def width_jumps(layers: int, factors: Sequence[float]) -> list[Condition]:
    """The forbidden pairs: factors of neighbouring layers more than one level apart."""
    clauses: list[Condition] = []
    for layer in range(1, layers):
        after = range(reachable(layer, len(factors)))
        for level in range(reachable(layer - 1, len(factors))):
            far = [factors[other] for other in after if abs(other - level) > 1]
            if far:
                clauses.append({_width(layer - 1): (factors[level],), _width(layer): far})
    return clauses


def genotype_of(
    choices: Mapping[str, Value],
    layers: int,
    nodes: int,
    layer_wise: bool,
    factors: Sequence[Value],
    levels: Sequence[int],
) -> Genotype:
    """The genotype of an architecture's choices; `levels` are given if widths are fixed."""
    cells = [_cell(choices, name, nodes) for name in cell_names(layers, layer_wise)]
    if not levels:
        levels = [factors.index(choices[_width(layer)]) for layer in range(layers)]
    return Genotype(tuple(cells if layer_wise else cells * layers), tuple(levels))


def choices_of(
    genotype: Genotype, layer_wise: bool, factors: Sequence[float] | None
) -> dict[str, Value]:
    """The choices of a genotype; `factors` is None if widths are not searched."""
    choices: dict[str, Value] = {}
    for name, cell in zip(
        cell_names(len(genotype.cells), layer_wise), genotype.cells, strict=False
    ):
        for node, ((low, first), (high, second)) in enumerate(cell.nodes):
            choices[f"{name}.node{node}.inputs"] = f"{low}+{high}"
            choices[f"{name}.node{node}.first"] = first
            choices[f"{name}.node{node}.second"] = second
    if factors is not None:
        for layer, level in enumerate(genotype.levels):
            choices[_width(layer)] = factors[level]
    return choices


def _width(layer: int) -> str:
    return f"layer{layer}.width"


def _cell(choices: Mapping[str, Value], name: str, nodes: int) -> CellGenotype:
    made = []
    for node in (f"{name}.node{number}" for number in range(nodes)):
        low, high = str(choices[f"{node}.inputs"]).split("+")
        first, second = choices[f"{node}.first"], choices[f"{node}.second"]
        made.append(((int(low), str(first)), (int(high), str(second))))
    return CellGenotype(tuple(made))
