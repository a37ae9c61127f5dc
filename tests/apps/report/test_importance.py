"""Importance is omega squared of ranks."""

from __future__ import annotations

import pytest
from apps.report.conftest import trial
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nasir.apps.report.importance import comparable, importances


def trials(groups, decision="kernel"):
    pairs = [(option, score) for option, scores in groups.items() for score in scores]
    return [trial(n, s, choices={decision: o}) for n, (o, s) in enumerate(pairs)]


def test_omega_squared_equals_its_closed_form():
    # ranks 1 2 3 | 4 5 6: SS_total 17.5, SS_between 13.5, MS_within 4 / 4 = 1
    # (13.5 - 1) / (17.5 + 1)
    (one,) = importances(trials({1: [0.1, 0.2, 0.3], 3: [4.0, 50.0, 600.0]}))
    assert one.decision == "kernel"
    assert one.share == pytest.approx(12.5 / 18.5)
    assert [option.value for option in one.options] == [3, 1]
    assert one.options[1].mean == pytest.approx(0.2)
    assert one.options[1].deviation == pytest.approx(0.1)


@given(st.lists(st.lists(st.floats(-99, 99), min_size=2, max_size=6), min_size=3, max_size=4))
@settings(deadline=None, max_examples=40)
def test_the_p_value_is_that_of_the_f_test_on_ranks(groups):
    given_ = dict(enumerate(groups))
    found = importances(trials(given_))
    ranks = list(stats.rankdata([score for scores in groups for score in scores]))
    parts = [[ranks.pop(0) for _ in scores] for scores in groups]
    if len({rank for part in parts for rank in part}) == 1:
        assert not found
        return
    (one,) = found
    assert 0 <= one.share <= 1
    within_varies = any(len(set(part)) > 1 for part in parts)
    if within_varies:
        assert one.p_value == pytest.approx(stats.f_oneway(*parts).pvalue, abs=1e-9)
    else:
        assert one.p_value == 0


def test_true_and_one_are_two_options():
    (one,) = importances(trials({1: [1, 2, 3]}) + trials({True: [4, 5, 6]}))
    assert [repr(option.value) for option in one.options] == ["True", "1"]


def test_a_decision_counts_only_trials_where_it_applies():
    a = [trial(n, float(n), choices={"op": "conv", "kernel": 3 - 2 * (n < 3)}) for n in range(6)]
    b = [trial(n + 6, float(n), choices={"op": "pool"}) for n in range(6)]
    by_name = {one.decision: one for one in importances([*a, *b])}
    assert sum(len(option.scores) for option in by_name["kernel"].options) == 6
    assert by_name["op"].share == 0.0
    assert by_name["kernel"].share > 0.5


def test_decisions_without_a_choice_are_left_out():
    same = [trial(n, float(n), choices={"kernel": 3, "skip": n % 2 == 0}) for n in range(8)]
    assert [one.decision for one in importances(same)] == ["skip"]


def test_too_few_trials_have_no_importance():
    assert importances(trials({1: [1.0, 2.0], 3: [4.0, 5.0]})) == []
    assert importances([]) == []


def test_only_trials_of_one_stage_and_fidelity_are_compared():
    full = [trial(0, 1.0), trial(1, 2.0)]
    others = [trial(2, 9.0, fidelity=0.5), trial(3, 9.0, stage="proxy"), trial(4), trial(5, 9.0)]
    assert [t.number for t in comparable([*full, *others])] == [0, 1, 5]
    assert [t.number for t in comparable(others[:3])] == [2]
    assert comparable([trial(0, float("-inf"))]) == []
