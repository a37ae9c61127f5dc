from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest

from nasir.search_spaces.cells.widths import (
    cell_width,
    possible,
    transition_rows,
    transitions,
    viterbi,
)

Row = tuple[float, float, float]


def softmaxed(rng: np.random.Generator, layers: int, levels: int, ties: bool) -> list[Row]:
    """Weights as a supernet's betas have them: -50 where there is no level."""
    may = np.array(possible(layers, levels))
    logits = rng.integers(0, 2, may.shape) if ties else rng.normal(size=may.shape)
    weights = np.exp(np.where(may, logits, -50.0))
    return [tuple(row) for row in weights / weights.sum(axis=1, keepdims=True)]


def brute_force(rows: list[Row], layers: int, levels: int) -> dict[tuple[int, ...], float]:
    """The probability of every path that starts at level 0 and moves by one level at most."""
    row_of = dict(zip(transition_rows(layers, levels), rows, strict=True))
    found = {}
    for path in product(range(levels), repeat=layers):
        steps = list(zip((0, *path), path, strict=False))
        if all(abs(after - before) <= 1 for before, after in steps):
            found[path] = prod(row_of[layer, k][i - k + 1] for layer, (k, i) in enumerate(steps))
    return found


@pytest.mark.parametrize("levels", [2, 3, 4, 5])
@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5, 6])
def test_viterbi_finds_the_best_of_all_paths(layers: int, levels: int) -> None:
    rng = np.random.default_rng([layers, levels])
    for _ in range(5):
        rows = softmaxed(rng, layers, levels, ties=False)
        paths = brute_force(rows, layers, levels)
        assert tuple(viterbi(transitions(rows, layers, levels))) == max(
            paths, key=paths.__getitem__
        )


@pytest.mark.parametrize("levels", [2, 3, 4, 5])
@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5, 6])
def test_viterbi_finds_one_of_the_best_paths_where_betas_tie(layers: int, levels: int) -> None:
    rng = np.random.default_rng([layers, levels])
    for _ in range(5):
        rows = softmaxed(rng, layers, levels, ties=True)
        paths = brute_force(rows, layers, levels)
        found = tuple(viterbi(transitions(rows, layers, levels)))
        assert paths[found] == pytest.approx(max(paths.values()), rel=1e-12)


def test_the_first_of_equal_paths_wins() -> None:
    """Powers of two multiply without rounding, so that these ties are ties."""
    rng = np.random.default_rng(0)
    for layers, levels in product(range(1, 6), range(2, 5)):
        may = np.array(possible(layers, levels))
        rows = [tuple(row) for row in np.where(may, 0.5 ** rng.integers(1, 3, may.shape), 0.0)]
        paths = brute_force(rows, layers, levels)
        best = [path for path in paths if paths[path] == max(paths.values())]
        first = min(best, key=lambda path: path[::-1])
        assert tuple(viterbi(transitions(rows, layers, levels))) == first


def test_three_layers_and_three_factors_have_six_rows_of_betas() -> None:
    assert transition_rows(3, 3) == [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]
    assert possible(3, 3)[0] == (False, True, True)
    assert possible(3, 3)[-1] == (True, True, False)


def test_equal_betas_stay_at_the_first_level() -> None:
    """At level 0 two ways are open, at the top two, between them three."""
    rows = [tuple(np.array(may) / sum(may)) for may in possible(4, 3)]
    assert viterbi(transitions(rows, 4, 3)) == [0, 0, 0, 0]


def test_widths_are_rounded_half_up() -> None:
    assert [cell_width(base, 1.5) for base in (8, 10, 15, 20)] == [12, 15, 23, 30]
    assert [cell_width(5, 0.5), cell_width(1, 0.1)] == [3, 1]
