"""The path through the widths of the layers.

A level is the index of a width among the factors. A path begins at level 0 in the start and moves
by at most one level from layer to layer, so that layer l has cells at the levels
0 .. min(l + 1, levels - 1).
"""

from __future__ import annotations

from collections.abc import Sequence

LOWER, SAME, HIGHER = range(3)
"""The columns of the betas: the steps that a path can take from its level."""


def cell_width(base: int, factor: float) -> int:
    """Channels of each node of a cell: `factor` times `base`, rounded half up, at least 1."""
    return max(1, int(base * factor + 0.5))


def reachable(layer: int, levels: int) -> int:
    """How many of the `levels` a layer has, the lowest ones; layer -1 is the start."""
    return min(layer + 2, levels)


def transition_rows(layers: int, levels: int) -> list[tuple[int, int]]:
    """The rows of the betas, in order: (layer entered, level left)."""
    return [(layer, k) for layer in range(layers) for k in range(reachable(layer - 1, levels))]


def possible(layers: int, levels: int) -> list[tuple[bool, bool, bool]]:
    """For every row of the betas, whether there is a level below, the same, and above."""
    return [(k > 0, True, k + 1 < levels) for _, k in transition_rows(layers, levels)]


def transitions(
    rows: Sequence[Sequence[float]], layers: int, levels: int
) -> list[list[list[float]]]:
    """The betas' weights ``(rows, 3)`` as a matrix a layer, ``[layer][source][target]``.

    Transitions without a row, further than one level, are 0.
    """
    matrices = [
        [[0.0] * reachable(layer, levels) for _ in range(reachable(layer - 1, levels))]
        for layer in range(layers)
    ]
    for (layer, k), weights in zip(transition_rows(layers, levels), rows, strict=True):
        for column, weight in zip((LOWER, SAME, HIGHER), weights, strict=True):
            target = k + column - SAME
            if 0 <= target < levels:
                matrices[layer][k][target] = float(weight)
    return matrices


def viterbi(transitions: Sequence[Sequence[Sequence[float]]]) -> list[int]:
    """The path with the largest product of ``transitions[layer][source][target]``: a level a layer.

    On a tie the lower source and the lower final level win (IR-NAS, section 3.2).
    """
    best = [1.0]
    came_from: list[list[int]] = []
    for matrix in transitions:
        ways = [
            [before * row[target] for before, row in zip(best, matrix, strict=True)]
            for target in range(len(matrix[0]))
        ]
        best = [max(way) for way in ways]
        came_from.append([way.index(max(way)) for way in ways])
    level = best.index(max(best))
    path = [level]
    for sources in reversed(came_from[1:]):
        level = sources[level]
        path.append(level)
    return path[::-1]
