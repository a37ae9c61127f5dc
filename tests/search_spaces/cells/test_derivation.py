from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from nasir.search_spaces.cells.derivation import cell_of
from nasir.search_spaces.cells.genotype import edges

OPTIONS = ("conv_3", "sep_3", "skip", "none")


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_each_node_keeps_its_two_strongest_edges_and_their_strongest_operation(
    nodes: int, seed: int
) -> None:
    weights = np.random.default_rng(seed).permutation(len(edges(nodes)) * 4).reshape(-1, 4) / 100
    cell = cell_of(weights.tolist(), OPTIONS, nodes)
    row = {edge: weights[place] for place, edge in enumerate(edges(nodes))}
    for node, chosen in enumerate(cell.nodes):
        strengths = [row[node, source][:3].max() for source in range(node + 2)]
        kept = {source for source, _ in chosen}
        assert min(strengths[s] for s in kept) > max(
            (strengths[s] for s in range(node + 2) if s not in kept), default=-1
        )
        for source, name in chosen:
            assert row[node, source][OPTIONS.index(name)] == strengths[source]


def test_none_neither_ranks_an_edge_nor_is_chosen() -> None:
    weights = [[0.1, 0.2, 0.0, 0.0], [0.1, 0.0, 0.15, 0.0]]
    weights += [[0.05, 0.0, 0.0, 0.95], [0.3, 0.0, 0.0, 0.1], [0.0, 0.2, 0.0, 0.1]]
    cell = cell_of(weights, OPTIONS, 2)
    assert cell.nodes == (
        ((0, "sep_3"), (1, "skip")),
        ((1, "conv_3"), (2, "sep_3")),
    )


def test_the_lower_edge_and_the_earlier_option_win_a_tie() -> None:
    cell = cell_of([[0.25] * 4] * 9, OPTIONS, 3)
    assert cell.nodes == (((0, "conv_3"), (1, "conv_3")),) * 3
