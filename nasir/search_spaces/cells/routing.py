"""The levels of width in a supernet, and the probability that a path visits each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
import torch
from torch import Tensor

from nasir.search_spaces.cells.widths import possible, reachable, transition_rows

IMPOSSIBLE = -50.0
"""The logit of a transition to a level that does not exist."""

Transitions = Mapping[tuple[int, int, int], Tensor]
"""From (layer, source level, level) to a weight, a scalar."""


@attrs.frozen
class Ladder:
    """The levels of width of each layer. A path starts at level 0 and moves by at most one a layer.

    With `fixed`, one level for each layer, there is only this path.
    """

    layers: int
    levels: int
    fixed: tuple[int, ...] = ()

    def at(self, layer: int) -> tuple[int, ...]:
        """The levels of a layer's cells; layers before the first belong to the start."""
        if self.fixed and layer >= 0:
            return (self.fixed[layer],)
        return tuple(range(reachable(max(layer, -1), self.levels)))

    def sources(self, layer: int, level: int) -> tuple[int, ...]:
        """The levels of the layer before from which a path can move to `level`."""
        before = self.at(layer - 1)
        return before if self.fixed else tuple(k for k in before if abs(k - level) <= 1)

    def initial_logits(self) -> Tensor:
        """1 for each possible transition, ``(rows, 3)``: one lower, same, one higher."""
        rows = possible(self.layers, self.levels)
        return torch.tensor([[1.0 if may else IMPOSSIBLE for may in row] for row in rows])


def transitions(ladder: Ladder, betas: Tensor) -> dict[tuple[int, int, int], Tensor]:
    """The weights beta of equation 5 by layer, source and target, from rows ``(rows, 3)``."""
    if ladder.fixed:
        one = betas.new_ones(())
        path = [0, *ladder.fixed]
        return {(i, path[i], path[i + 1]): one for i in range(ladder.layers)}
    return {
        (layer, k, k + step): betas[row, step + 1]
        for row, (layer, k) in enumerate(transition_rows(ladder.layers, ladder.levels))
        for step in (-1, 0, 1)
        if k + step in ladder.at(layer)
    }


def along(
    ladder: Ladder, levels: Sequence[int], like: Tensor
) -> dict[tuple[int, int, int], Tensor]:
    """The transitions of one path: 1 on the path, 0 elsewhere."""
    path = [0, *levels]
    return {
        (layer, k, i): like.new_tensor(float(path[layer : layer + 2] == [k, i]))
        for layer in range(ladder.layers)
        for i in ladder.at(layer)
        for k in ladder.sources(layer, i)
    }


def reached(ladder: Ladder, given: Transitions) -> list[dict[int, Tensor]]:
    """The probability of each level, layer by layer, with the transitions as a Markov chain."""
    before = {0: next(iter(given.values())).new_ones(())}
    found = []
    for layer in range(ladder.layers):
        before = {
            i: sum_of(before[k] * given[layer, k, i] for k in ladder.sources(layer, i))
            for i in ladder.at(layer)
        }
        found.append(before)
    return found


def two_back(
    ladder: Ladder,
    given: Transitions,
    reach: Sequence[Mapping[int, Tensor]],
    layer: int,
    level: int,
) -> dict[int, Tensor]:
    """The probability of each level two layers before, given that the path is at `level`."""
    if layer < 2:
        return {0: reach[layer][level].new_ones(())}
    shares = {
        k: reach[layer - 2][k]
        * sum_of(
            given[layer - 1, k, j] * given[layer, j, level]
            for j in ladder.sources(layer, level)
            if k in ladder.sources(layer - 1, j)
        )
        for k in ladder.at(layer - 2)
    }
    return {k: share / reach[layer][level] for k, share in shares.items()}


def sum_of(terms: Iterable[Tensor]) -> Tensor:
    """The sum of `terms`; zero if there are none."""
    return sum(terms, start=torch.zeros(()))
