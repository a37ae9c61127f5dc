"""Best-so-far curves."""

from __future__ import annotations

import math

import numpy as np

from nasir.apps.bench.effort import FullEvaluation
from nasir.apps.compare.curves import best_so_far, incumbents, mean_curve, points_up_to

EVALUATED = [
    FullEvaluation(0.5, "a", 20.0),
    FullEvaluation(1.0, "b", 19.0),
    FullEvaluation(2.0, "c", 22.0),
    FullEvaluation(3.0, "d", 22.0),
    FullEvaluation(3.5, "e", 25.0),
]


def test_incumbents_were_the_best_so_far():
    assert [one.architecture for one in incumbents(EVALUATED)] == ["a", "c", "e"]


def test_a_curve_rises_where_something_better_was_found():
    points = np.array([0.25, 0.5, 1.0, 1.9, 2.0, 3.0, 4.0])
    curve = best_so_far(EVALUATED, points)
    assert math.isnan(curve[0])
    assert curve[1:].tolist() == [20, 20, 20, 22, 22, 25]


def test_the_true_score_is_that_of_the_best_scored_architecture():
    worth = {"a": 20.5, "b": 30.0, "c": 20.0, "d": 23.0, "e": 24.0}
    assert best_so_far(EVALUATED, np.array([1.0, 2.0, 4.0]), worth).tolist() == [20.5, 20.0, 24.0]


def test_rounding_errors_of_fidelities_do_not_count():
    evaluated = [FullEvaluation(sum([0.1] * 10) + 1e-12, "a", 1.0)]
    assert best_so_far(evaluated, np.array([1.0])).tolist() == [1.0]


def test_the_mean_curve_begins_when_all_runs_found_something():
    points = points_up_to(2)
    curves = [np.array([np.nan, 4.0]), np.array([1.0, 2.0])]
    curve = mean_curve(curves, points)
    assert curve.evaluations.tolist() == [1.0, 2.0]
    assert math.isnan(curve.mean[0])
    assert curve.mean[1] == 3.0
    assert (curve.low[1], curve.high[1], curve.runs) == (2.0, 4.0, 2)


def test_points_are_whole_evaluations():
    assert points_up_to(3.2).tolist() == [1.0, 2.0, 3.0]
    assert points_up_to(0.4).tolist() == [0.4]
