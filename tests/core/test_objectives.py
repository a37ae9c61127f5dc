from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from nasir.core.architecture import Architecture
from nasir.core.objectives import (
    Objective,
    dominates,
    objectives,
    pareto_front,
    score_metric,
    values_of,
)
from nasir.core.trial import Proposal, Trial

TWO = objectives(["psnr", "-parameters"])


def trial(number: int, psnr: float, parameters: float, **more: object) -> Trial:
    metrics = {"psnr": psnr, "parameters": parameters}
    proposal = Proposal(Architecture("toy", {"number": number}))
    return Trial(number, proposal, 0, "complete", psnr, metrics, **more)


def test_minus_before_an_objective_minimises_it():
    assert (Objective("psnr", 1), Objective("parameters", -1)) == TWO
    assert [str(one) for one in TWO] == ["psnr", "-parameters"]
    assert values_of(trial(0, 30.0, 5.0), TWO) == (30.0, -5.0)


def test_the_metric_that_is_the_score_is_found():
    trials = [trial(0, 30.0, 5.0), trial(1, 31.0, 5.0)]
    assert score_metric(trials) == Objective("psnr")
    less = [attrs.evolve(one, score=-one.metrics["parameters"]) for one in trials]
    assert score_metric(less) == Objective("parameters", -1)
    assert score_metric([*trials, *less]) is None  # of two stages
    assert score_metric([]) is None


def test_without_objectives_the_score_counts():
    assert values_of(trial(0, 30.0, 5.0), ()) == (30.0,)


def test_pareto_front_of_a_known_set():
    points = [(30, 9), (29, 4), (28, 4), (27, 1), (30, 10), (26, 2)]
    trials = [trial(n, *map(float, point)) for n, point in enumerate(points)]
    assert [t.number for t in pareto_front(trials, TWO)] == [0, 1, 3]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_no_trial_dominates_the_pareto_front(points: list[tuple[int, int]]):
    trials = [trial(n, float(a), float(b)) for n, (a, b) in enumerate(points)]
    values = {t.number: (float(a), -float(b)) for t, (a, b) in zip(trials, points, strict=True)}
    found = {values[t.number] for t in pareto_front(trials, TWO)}
    wanted = {v for v in values.values() if not any(dominates(o, v) for o in values.values())}
    assert found == wanted
    assert len(found) == len(pareto_front(trials, TWO))


def test_any_objective_that_is_no_number_is_a_failed_trial(toy):
    run = toy("objective=psnr,nothing", "evaluator.nan_metric=true", "trials=2", "stop_after=9")
    assert {(t.state, t.reason) for t in run.trials} == {("failed", "nothing is nan")}
