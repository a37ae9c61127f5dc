"""How strategies stand, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nasir.apps.bench.effort import FullEvaluation
from nasir.apps.bench.results import SearchResult, known_ranking
from nasir.apps.bench.standings import best_share, compare_strategies, quantile, standing_of

RANKING = [(100.0 - place, f"a{place}") for place in range(300)]
"""The best 1 % are a0, a1 and a2."""


def result(*evaluated: tuple[float, int], seed: int = 0) -> SearchResult:
    """A search that evaluated architectures by their places, without any noise."""
    found = tuple(FullEvaluation(spent, f"a{place}", 100.0 - place) for spent, place in evaluated)
    return SearchResult(0, seed, 10.0, 4, 0, None, found)


def test_the_best_share_is_one_percent_with_ties():
    assert best_share(RANKING) == {"a0", "a1", "a2"}
    assert best_share(RANKING[:20]) == {"a0"}
    assert best_share([(2.0, "x"), (2.0, "y"), (1.0, "z")]) == {"x", "y"}
    assert best_share([]) == set()


def test_a_standing_is_over_the_seeds():
    results = [
        result((1, 50), (4, 2), (6, 1)),
        result((1, 9), (8, 0)),
        result((1, 9), (9, 5)),
        result(),
    ]
    one = standing_of("", "rl", results, RANKING)
    assert one.evaluations == (7.0, math.inf, math.inf)
    assert one.reached == 0.5
    assert one.best == (99 + 100 + 95) / 3
    assert one.deviation == pytest.approx(np.std([99, 100, 95], ddof=1))
    assert one.regret == pytest.approx(2.0)
    assert one.scored == 4


def test_a_good_architecture_with_a_bad_score_is_not_reached():
    """The search itself has to prefer what is among the best."""
    noisy = SearchResult(
        0, 0, 10.0, 0, 0, None, (FullEvaluation(1, "a9", 97.0), FullEvaluation(2, "a1", 96.0))
    )
    assert standing_of("", "rl", [noisy], RANKING).reached == 0


def test_a_strategy_that_found_nothing_has_no_figures():
    one = standing_of("", "rl", [result()], RANKING)
    assert (one.best, one.regret, one.deviation, one.reached) == (None, None, None, 0)


@pytest.mark.parametrize("q", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_quantiles_are_those_of_numpy(q: float):
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 20.0]
    assert quantile(values, q) == pytest.approx(np.quantile(values, q))


def test_quantiles_are_infinite_where_the_goal_was_not_reached():
    values = [1.0, 3.0, math.inf, math.inf, math.inf]
    assert [quantile(values, q) for q in (0.25, 0.3, 0.5, 1)] == [3.0, math.inf, math.inf, math.inf]


def test_strategies_are_ranked_by_evaluations_and_failures_share_the_last_rank():
    comparison = compare_strategies(
        [[[5, 6, 7], [9, math.inf, 8], [math.inf, math.inf, 9]]], full=10
    )
    assert comparison.ranks == (1.0, (2 + 2.5 + 2) / 3, (3 + 2.5 + 3) / 3)
    assert comparison.best == 0


def test_problems_are_ranked_together():
    problem = [[5.0, 6.0], [9.0, 8.0]]
    assert compare_strategies([problem, problem, problem], full=10).blocks == 6


def test_without_a_table_the_ranking_is_by_mean_score():
    searches = [
        SearchResult(
            0, 0, 2.0, 0, 0, None, (FullEvaluation(1, "a", 1.0), FullEvaluation(2, "b", 3.0))
        ),
        SearchResult(1, 0, 2.0, 0, 0, None, (FullEvaluation(1, "a", 6.0),)),
    ]
    assert known_ranking(searches) == [(3.5, "a"), (3.0, "b")]
