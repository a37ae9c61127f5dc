"""Genotypes: what is searched in a network of cells (the term of DARTS and its successors)."""

from __future__ import annotations

import attrs

SKIP = "skip"
"""The option that is the identity; no operation is registered for it."""

NONE = "none"
"""The option that is zero, in supernets only; no network is built with it."""

NodeInput = tuple[int, str]
"""A source state and the operation between it and the node."""


def edges(nodes: int) -> list[tuple[int, int]]:
    """All edges of a cell as (node, source), node by node and within a node by source state.

    Node i has edges from i + 2 states: 0 is h(l-2), 1 is h(l-1), from 2 on the earlier nodes.
    """
    return [(node, source) for node in range(nodes) for source in range(node + 2)]


@attrs.frozen
class CellGenotype:
    """The two inputs of every node, the lower source first."""

    nodes: tuple[tuple[NodeInput, NodeInput], ...]


@attrs.frozen
class Genotype:
    """The cell of each layer, and its level: the index of its width among the factors."""

    cells: tuple[CellGenotype, ...]
    levels: tuple[int, ...]
