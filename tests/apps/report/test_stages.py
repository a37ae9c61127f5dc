"""Scores of different stages are never in one column, nor compared."""

from __future__ import annotations

import pytest
import tomli_w
from apps.report.conftest import trial
from apps.report.test_run_page import Page

from nasir.apps.compare.comparison import Comparison
from nasir.apps.report.run_page import run_page
from nasir.cli.show import trial_table
from nasir.cli.tables import print_result
from nasir.runs.summary import summary

STAGED = [trial(0, -127.7, stage="proxy"), trial(1, -99.0, stage="proxy"), trial(2, 27.5)]


def test_each_stage_has_a_column_of_scores():
    lines = trial_table(STAGED, {}).splitlines()
    (head, first), last = lines[:2], next(line for line in lines if line.startswith("    2"))
    ends = {name: head.index(name) + len(name) for name in (" score", "proxy score")}
    assert first[: ends["proxy score"]].endswith("-127.70")
    assert first[: ends[" score"]].endswith("  ")
    assert last[: ends[" score"]].endswith(" 27.50")
    assert last[: ends["proxy score"]].endswith("  ")


def test_a_score_of_no_full_evaluation_says_its_stage(make, capsys):
    run = make(STAGED[:2])
    print_result(summary(run))
    assert "score -99.00 (proxy)" in capsys.readouterr().out
    assert "-99.00 (proxy)" in Page(run_page(run)).text


def test_runs_are_not_compared_by_scores_of_two_stages(make):
    of_proxies, full = make(STAGED[:2]), make(STAGED)
    assert [one.value for one in Comparison([of_proxies, full]).runs] == [None, 27.5]
    assert [one.value for one in Comparison([of_proxies]).runs] == [-99.0]


def budget(make, trials):
    run = make(trials)
    tree = {**run.settings, "trials": len(trials)}
    run.write("settings.toml", tomli_w.dumps(tree).encode())
    return run


def test_two_runs_that_differ_in_their_budgets_alone_have_two_curves(make):
    runs = [budget(make, STAGED), budget(make, [*STAGED, trial(3, 28.0)])]
    comparison = Comparison(runs)
    assert len(set(comparison.names)) == len(comparison.groups) == 2
    assert len(comparison.panels[0].curves) == 2  # type: ignore[union-attr]
    assert len(Comparison(runs[:1]).names) == 1


@pytest.mark.parametrize("trials", [STAGED, STAGED[2:]])
def test_the_page_has_as_many_columns_of_scores_as_stages(make, trials):
    text = Page(run_page(make(trials))).text
    assert ("proxy score" in text) == (len(trials) > 1)
