from __future__ import annotations

from typing import Any

import pytest

from nasir.apps.search import search as api
from nasir.core.errors import NasirError

CHAINED = ("strategy=zero_cost+rl", "strategy.zero_cost.pool=5", "strategy.rl.steps=4")


def planned(*words: str) -> list[dict[str, Any]]:
    return [one.resolved["strategy"] for one in api.plan(words, {})]


def test_a_sum_of_strategies_is_a_chain_whose_parts_are_set_by_name():
    (tree,) = planned(*CHAINED)
    first, second = tree["parts"]
    assert (first["name"], first["pool"]) == ("zero_cost", 5)
    assert (second["name"], second["steps"]) == ("rl", 4)


def test_resolved_settings_of_combinations_make_the_same_again():
    for words in (
        CHAINED,
        ("strategy=screen", "strategy.inner=rl", "strategy.inner.steps=3"),
        ("strategy=portfolio", "strategy.parts=rl,zero_cost+random", "strategy.random={}"),
    ):
        (tree,) = planned(*words)
        assert [one.resolved["strategy"] for one in api.plan((), {"strategy": tree})] == [tree]


def test_the_field_of_a_strategy_is_set_however_deep_it_is():
    parts = "strategy.parts=rl,zero_cost+random"
    (tree,) = planned("strategy=portfolio", parts, "strategy.zero_cost.pool=7")
    chain = tree["parts"][1]
    assert (chain["name"], chain["parts"][0]["pool"]) == ("chain", 7)


def test_in_a_sweep_fields_go_to_the_runs_that_have_the_strategy():
    words = ("strategy.rl.steps=4", "strategy.chain.trials=[7]")
    trees = planned("strategy=rl,random,zero_cost+rl", *words)
    assert trees[0]["steps"] == 4
    assert trees[2]["trials"] == [7]
    assert trees[1] == {"name": "random"}
    assert trees[2]["parts"][1]["steps"] == 4


def test_fields_that_sweep_make_runs_of_those_that_have_the_strategy_alone():
    trees = planned("strategy=random,zero_cost+rl", "strategy.rl.steps=4,5")
    assert [tree["name"] for tree in trees] == ["random", *["zero_cost+rl"] * 2]
    assert [tree["parts"][1]["steps"] for tree in trees[1:]] == [4, 5]


def test_the_default_strategy_of_a_field_takes_fields_without_a_name():
    (tree,) = planned("strategy=screen", "strategy.inner={}", "strategy.candidates=3")
    assert tree["inner"] == {"name": "random"}


def test_a_strategy_with_fields_can_be_given_in_a_list():
    parts = 'strategy.parts=["random", {name="screen", inner={name="rl", steps=2}}]'
    (tree,) = planned("strategy=portfolio", parts)
    assert tree["parts"][1]["inner"]["steps"] == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["strategy=chain"], "no strategies"),
        (["strategy=portfolio"], "no strategies"),
        (["strategy=rl+"], "a chain with a part that is missing"),
        (["strategy=rl+zero_csot"], "did you mean 'zero_cost'"),
        (["strategy=random", "strategy.rl.steps=3"], "there is no rl among the strategies random"),
        (["strategy=random,isnas", "strategy.rl.steps=3"], "there is no rl"),
        (["strategy=zero_cost+rl", "strategy.rl.pool=3"], "strategy.pool"),
        (
            ["strategy=screen", "strategy.inner=3"],
            "strategy wants a name, a mapping or an instance of Strategy, got 3",
        ),
        (["strategy=screen", "strategy.proxies=synflo"], "did you mean 'synflow'"),
        (["strategy=rl+isnas"], "they cannot be combined"),
        (["strategy=chain", "strategy.parts=rl,random", "strategy.trials=1,2"], "1 parts before"),
    ],
)
def test_what_cannot_be_combined_is_refused_in_one_line(words: list[str], reason: str):
    with pytest.raises(NasirError) as caught:
        planned(*words)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
