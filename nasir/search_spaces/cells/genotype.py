"""What is searched of a network of cells: a genotype, as DARTS and its successors call it."""

from __future__ import annotations

import attrs

SKIP = "skip"
"""The option that hands a state on as it is; no operation is registered for it."""

NONE = "none"
"""The option that leaves an edge out; supernets mix it in, no network is built with it."""

NodeInput = tuple[int, str]
"""A source state and the operation between it and the node."""


def edges(nodes: int) -> list[tuple[int, int]]:
    """All edges of a cell as (node, source), node by node and within a node by source state.

    Node i may be fed by i + 2 states: 0 is h(l-2), 1 is h(l-1), 2 and on are the earlier nodes.
    """
    return [(node, source) for node in range(nodes) for source in range(node + 2)]


@attrs.frozen
class CellGenotype:
    """The two inputs of every node, the lower source first."""

    nodes: tuple[tuple[NodeInput, NodeInput], ...]


@attrs.frozen
class Genotype:
    """One cell a layer, and the level of each layer: the place of its width among the factors."""

    cells: tuple[CellGenotype, ...]
    levels: tuple[int, ...]
