"""The command that a page gives comes to the run's own settings."""

from __future__ import annotations

import shlex

import pytest

from nasir.apps.report.repeating import command
from nasir.apps.search.search import plan

RUNS = [
    [],
    ["space=clearer", "space.columns=2,3,4", "trials=7", "seed=3"],
    ["strategy=random", "objective=psnr,-parameters", "limit=parameters<1e6", "workers=2"],
    ["strategy=zero_cost+random", "strategy.zero_cost.pool=9", "references=[]"],
    ["space=hinas", "space.widths=2.0", "space.layer_wise=false", "name=mine", "seconds=4"],
    ['task.images=["a, b\'s.png"]', "task.degraded=true", "task.noise=poisson"],
]


def settings(words):
    (planned,) = plan(words, {})
    return {k: v for k, v in planned.resolved.items() if k not in ("name", "folder")}


@pytest.mark.parametrize("words", RUNS)
def test_the_command_makes_the_same_settings(words):
    (planned,) = plan(words, {})
    made = command(planned.resolved)
    assert made is not None
    nasir, run, *again = shlex.split(made)
    assert (nasir, run) == ("nasir", "run")
    assert settings(again) == settings(words)


def test_defaults_and_the_runs_own_name_are_left_out():
    (planned,) = plan(["name=mine", "space.depth=3", "threads=1", "references=[]"], {})
    words = command(planned.resolved)
    assert "space.depth=3" in words
    assert "mine" not in words
    assert "space.width" not in words


def test_settings_of_later_versions_may_be_missing():
    (planned,) = plan([], {})
    tree = planned.resolved
    del tree["space"]["width"]
    assert command(tree) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"space": {"name": "gone"}},
        {"space": {"name": "nasdip", "no_such_setting": 1}},
        {"no_such_setting": 1},
        {"strategy": {}},
        {"evaluator": "dip"},
    ],
)
def test_unknown_settings_have_no_command(change):
    (planned,) = plan([], {})
    assert command({**planned.resolved, **change}) is None
