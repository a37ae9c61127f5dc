"""What components return is checked, and their authors learn what would be right."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from toy_plugin import WORDS, ToyEvaluator

import nasir
from nasir.core.errors import PluginError
from nasir.strategies.random import RandomSearch

ELSEWHERE = nasir.Architecture("toy", {"operation": "warp"})


def searching(**methods: Any) -> RandomSearch:
    """A strategy of an author who has made a mistake."""
    return attrs.define(type("Mine", (RandomSearch,), methods))()


def looping() -> dict[str, Any]:
    state: dict[str, Any] = {}
    state["me"] = state
    return state


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"ask": lambda self: ELSEWHERE}, r"ask\(\) returned an Architecture; return Proposal\("),
        ({"ask": lambda self: nasir.Proposal(3)}, "its architecture must be an Architecture"),
        (
            {"ask": lambda self: nasir.Proposal(ELSEWHERE)},
            "an architecture outside the space: decision 'operation' .* cannot be 'warp'",
        ),
        (
            {
                "ask": lambda self: nasir.Proposal(
                    nasir.Architecture("other", {"operation": "none", "skip": True})
                )
            },
            "outside the space: it is of space 'other', not 'toy'",
        ),
        (
            {"ask": lambda self: attrs.evolve(RandomSearch.ask(self), stage="half")},
            "the stage 'half'; it has the stages full",
        ),
        (
            {"ask": lambda self: attrs.evolve(RandomSearch.ask(self), fidelity=7)},
            r"a fidelity of 7; it must be in \(0, 1\]",
        ),
        ({"state_dict": lambda self: None}, r"state_dict\(\) returned None; return a dict"),
        (
            {"state_dict": lambda self: {"a": [1, {"b": {1, 2}}]}},
            r"has a set at state\['a'\]\[1\]\['b'\]; a state is of dicts",
        ),
        ({"state_dict": lambda self: {"a": np.array([{}])}}, r"has a ndarray at state\['a'\]"),
        ({"state_dict": lambda self: looping()}, "a value that refers to itself"),
        ({"recommend": lambda self, trials: 3}, r"recommend\(\) returned an int"),
    ],
)
def test_a_strategy_that_returns_something_else_is_refused_by_name(methods, message):
    with pytest.raises(PluginError, match=rf"strategy .*Mine.*: .*{message}") as refused:
        nasir.search(*WORDS, strategy=searching(**methods))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (3.5, "a float; return Evaluation(score)"),
        (None, "None; return Evaluation(score)"),
        (nasir.Evaluation("3"), "a score that is a str; it must be a number"),
        (nasir.Evaluation(3.0, {"psnr": []}), "a metric 'psnr' that is a list"),
        (nasir.Evaluation(3.0, architecture=ELSEWHERE), "an architecture outside the space"),
    ],
)
def test_an_evaluator_that_returns_something_else_makes_failed_trials(returned, message):
    methods = {"evaluate": lambda self, *_: returned}
    evaluator = attrs.define(type("Mine", (ToyEvaluator,), methods))()
    run = nasir.search(*WORDS, evaluator=evaluator, trials=1)
    assert "Mine: evaluate() returned" in run.trials[0].reason
    assert message in run.trials[0].reason
    with pytest.raises(nasir.NasirError, match="no trial is complete"):
        run.best  # noqa: B018


def test_a_plugin_that_is_gone_since_the_run_is_named(toy, monkeypatch):
    run = toy(trials=1)
    import json

    from nasir.runs.folder import ENVIRONMENT, SETTINGS

    settings = run.folder / SETTINGS
    settings.write_text(settings.read_text().replace('name = "toy"', 'name = "gone"', 1))
    environment = json.loads((run.folder / ENVIRONMENT).read_text())
    environment["plugins"]["lost-plugin"] = {"distribution": "lost", "version": "1.0"}
    run.write(ENVIRONMENT, json.dumps(environment).encode())
    with pytest.raises(nasir.NasirError, match=r"the plugin lost-plugin \(lost 1\.0\), which is"):
        nasir.resume(run.folder, trials=2)
