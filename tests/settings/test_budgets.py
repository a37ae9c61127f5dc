"""So few trials that a strategy would find nothing are refused; one more is searched."""

from __future__ import annotations

from typing import Any

import pytest

from nasir.apps.search import search as api
from nasir.core.errors import SettingsError
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Trial
from nasir.settings.building import make
from nasir.settings.experiment import experiment

TOY = {"space": {"name": "toy"}, "task": {"name": "toy"}, "evaluator": {"name": "toy"}}

FEWEST: list[tuple[dict[str, Any], int]] = [
    ({"name": "random"}, 1),
    ({"name": "zero_cost", "pool": 5}, 6),
    ({"name": "zero_cost", "pool": 200}, 22),  # the space has 21
    ({"name": "isnas", "pool": 5}, 6),
    ({"name": "screen", "candidates": 4}, 5),
    ({"name": "chain", "parts": [{"name": "zero_cost", "pool": 5}, {"name": "random"}]}, 6),
    ({"name": "portfolio", "parts": [{"name": "zero_cost"}, {"name": "random"}]}, 1),
    ({"name": "halving", "eta": 3, "lowest": 0.1}, 9),
    ({"name": "halving", "eta": 3, "lowest": 0.1, "pool": 27, "mode": "synchronous"}, 37),
    ({"name": "hyperband", "eta": 3, "lowest": 0.1}, 9),
    ({"name": "darts", "epochs": 8, "warmup": 5}, 6),
    ({"name": "darts", "epochs": 8, "selection": "perturbation"}, 9),
    ({"name": "spos", "epochs": 4, "population": 3, "generations": 2}, 5),
    ({"name": "spos", "epochs": 4, "population": 3, "generations": 2, "final": 1}, 11),
]


OTHERS = ("isnas", "darts", "spos")
"""Strategies that see more than a score."""


@pytest.mark.parametrize(("strategy", "fewest"), FEWEST)
def test_the_fewest_trials_of_a_strategy(strategy: dict[str, Any], fewest: int):
    problem = experiment({**TOY, "strategy": {"name": "random"}}).problem
    made: Strategy = make("strategy", strategy)
    assert made.fewest_trials(problem) == fewest


def full_after(strategy: dict[str, Any], most: int) -> int | None:
    """After how many trials one at a time the first is a full one, with growing scores."""
    problem = experiment({**TOY, "strategy": {"name": "random"}}).problem
    made = make("strategy", strategy)
    made.bind(problem)
    for number in range(most):
        proposal = made.ask()
        assert proposal is not None
        if proposal.stage == FULL and proposal.fidelity == 1.0:
            return number + 1
        figures = {"psd_db_strip_mse": float(number)}
        seed = number if proposal.seed is None else proposal.seed
        made.tell(Trial(number, proposal, seed, "complete", float(number), figures))
    return None


@pytest.mark.parametrize(("strategy", "fewest"), [p for p in FEWEST if p[0]["name"] not in OTHERS])
def test_the_first_full_evaluation_is_the_fewest_th(strategy: dict[str, Any], fewest: int):
    found = full_after(strategy, 60)
    assert found is not None
    if strategy["name"] == "portfolio":  # the bound is that of its quickest part
        assert found >= fewest
    else:
        assert found == fewest


@pytest.mark.parametrize("name", ["rsws", "enas", "spos"])
def test_the_usual_trials_of_a_search_by_paths_are_enough(name: str):
    """As its other numbers: by default no path is evaluated by itself at the end."""
    problem = experiment({**TOY, "strategy": {"name": "random"}}).problem
    made: Strategy = make("strategy", name)
    assert made.fewest_trials(problem) <= made.usual_trials


def test_fewer_are_refused_with_what_to_do():
    words = ["space=toy", "task=toy", "evaluator=toy", "strategy=zero_cost", "strategy.pool=5"]
    (planned,) = api.plan([*words, "trials=6"], {})
    assert planned.trials == 6
    with pytest.raises(SettingsError, match=r"fewer than 6 trials: take trials=6 or more") as found:
        api.plan([*words, "trials=5"], {})
    assert "strategy=zero_cost" in str(found.value)
    assert experiment({**planned.resolved, "trials": 5}).trials == 5  # a run that is resumed
