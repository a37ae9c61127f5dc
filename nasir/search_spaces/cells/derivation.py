"""Derivation of a cell from the weights of its operations."""

from __future__ import annotations

from collections.abc import Sequence

from nasir.search_spaces.cells.genotype import NONE, CellGenotype, NodeInput, edges


def cell_of(weights: Sequence[Sequence[float]], options: Sequence[str], nodes: int) -> CellGenotype:
    """The cell with the two best edges of every node, and the best operation on each.

    `weights` is ``(edges, options)``. `none` is ignored, both in ranking edges and in choosing
    operations. On a tie the lower edge and the earlier option win (DARTS, section 2.4; HiNAS,
    section 3.1).
    """
    strongest: dict[tuple[int, int], tuple[float, str]] = {}
    for edge, row in zip(edges(nodes), weights, strict=True):
        ranked = [(float(w), name) for w, name in zip(row, options, strict=True) if name != NONE]
        strongest[edge] = max(ranked, key=lambda pair: pair[0])
    return CellGenotype(tuple(_two_best(node, strongest) for node in range(nodes)))


def _two_best(
    node: int, strongest: dict[tuple[int, int], tuple[float, str]]
) -> tuple[NodeInput, NodeInput]:
    sources = sorted(range(node + 2), key=lambda source: -strongest[node, source][0])
    low, high = sorted(sources[:2])
    return (low, strongest[node, low][1]), (high, strongest[node, high][1])
