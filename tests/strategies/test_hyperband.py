"""Hyperband against the table of its paper."""

from __future__ import annotations

from collections import Counter

import pytest
from played_rungs import bound, played

from nasir.core.trial import Trial
from nasir.strategies.halving.brackets import hyperband
from nasir.strategies.halving.hyperband import Hyperband

TABLE = {
    4: [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
    3: [(34, 3), (11, 9), (3, 27), (1, 81)],
    2: [(15, 9), (5, 27), (1, 81)],
    1: [(8, 27), (2, 81)],
    0: [(5, 81)],
}
"""n_i and r_i of each bracket for R = 81 and eta = 3 (Li et al. 2018, table 1, by algorithm 1)."""


def scored(trial: Trial) -> float:
    return trial.architecture.choices["a"] + trial.architecture.choices["b"] / 100


def test_the_brackets_are_those_of_the_paper() -> None:
    brackets = hyperband(3, 1 / 81)
    rows = zip(TABLE.values(), brackets, strict=True)
    for row, bracket in rows:
        assert bracket.sizes == tuple(n for n, _ in row)
        assert bracket.fidelities == pytest.approx([r / 81 for _, r in row])


@pytest.mark.parametrize("workers", [1, 3])
def test_synchronous_brackets_run_in_turn(workers: int) -> None:
    strategy = bound(Hyperband(mode="synchronous", lowest=1 / 81))
    rows = [cell for row in TABLE.values() for cell in row]
    assert strategy.usual_trials == sum(n for n, _ in rows)
    finished, _ = played(strategy, scored, strategy.usual_trials + 81, workers)
    expected = [r for n, r in [*rows, (81, 1)] for _ in range(n)]
    assert [round(81 * t.proposal.fidelity) for t in finished] == expected


def test_asynchronous_brackets_draw_as_many_as_synchronous_ones() -> None:
    finished, waits = played(bound(Hyperband(lowest=1 / 81)), scored, 300, workers=4)
    assert waits == 0
    begun = [round(81 * t.proposal.fidelity) for t in finished if t.proposal.seed is None]
    expected = [row[0][1] for row in TABLE.values() for _ in range(row[0][0])]
    assert begun[: len(expected)] == expected[: len(begun)]
    assert len(begun) > 81 + 34 + 15 + 8 + 5
    at = Counter(round(81 * t.proposal.fidelity) for t in finished)
    assert set(at) == {1, 3, 9, 27, 81}
