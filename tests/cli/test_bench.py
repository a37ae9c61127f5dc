"""``nasir bench``: many strategies, many seeds."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from toy_plugin import ToyEvaluator, ToySpace, score_of

import nasir
from nasir.apps.search.search import plan
from nasir.cli.latex import escaped
from nasir.cli.main import main
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluation
from nasir.strategies.random import RandomSearch

TOY = ("space=toy", "task=toy", "evaluator=toy")
WORDS = (*TOY, "seeds=4", "full=12", "workers=1")
STRATEGIES = "strategy=random,random+exhaustive"
DOMAIN = list(ToySpace().domain)

Bench = Callable[..., dict]


def noiseless(self, proposal, problem, seed):
    return Evaluation(score_of(proposal.architecture.id, 0))


def ranking(self, problem):
    scored = [(score_of(architecture.id, 0), architecture.id) for architecture in DOMAIN]
    return sorted(scored, reverse=True)


@pytest.fixture
def tabular(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores that depend on the architecture alone, and are all known."""
    monkeypatch.setattr(ToyEvaluator, "evaluate", noiseless)
    monkeypatch.setattr(ToyEvaluator, "ranking", ranking, raising=False)


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str]) -> Bench:
    """Runs a bench and returns what it prints as JSON."""

    def run(*words: str) -> dict:
        assert main(["bench", *WORDS, *words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_an_exhaustive_search_needs_all_evaluations_up_to_the_best(tabular, bench):
    """Exhaustive search is the same for each seed: what it finds can be counted."""
    content = bench("strategy=exhaustive", f"full={len(DOMAIN)}")
    (problem,) = content["problems"]
    (one,) = problem["strategies"]
    (planned,) = plan([*TOY, "strategy=exhaustive"], {})
    planned.strategy.bind(planned.problem)
    order = [planned.strategy.ask().architecture.id for _ in DOMAIN]
    best = ranking(None, None)[0]
    place = order.index(best[1]) + 1
    assert problem["whole_table"] is True
    assert problem["architectures"] == len(DOMAIN)
    assert set(one["evaluations"].values()) == {place}
    assert (one["reached"], one["best"], one["regret"], one["deviation"]) == (1, best[0], 0, 0)
    assert (one["rank"], one["p_value"]) == (None, None)


def test_strategies_are_ranked_over_the_seeds(tabular, bench):
    content = bench(STRATEGIES)
    (problem,) = content["problems"]
    names = [one["strategy"] for one in problem["strategies"]]
    assert names == ["random", "random+exhaustive"]
    assert sum(one["rank"] for one in problem["strategies"]) == pytest.approx(3)
    assert [one["p_value"] is None for one in problem["strategies"]].count(True) == 1
    assert all(one["seeds"] == 4 for one in problem["strategies"])


def test_a_second_sweep_makes_a_table_for_each_value(tabular, bench):
    content = bench("strategy=random,exhaustive", "space.weight=1.0,2.0")
    assert [one["problem"] for one in content["problems"]] == [
        "space.weight=1.0",
        "space.weight=2.0",
    ]
    assert [one["strategy"] for one in content["overall"]] == ["random", "exhaustive"]


def test_fields_of_a_strategy_are_part_of_its_name(tabular, bench):
    content = bench("strategy=exhaustive", "strategy.order=3,4", "seeds=1", "full=2")
    names = [one["strategy"] for one in content["problems"][0]["strategies"]]
    assert names == ["exhaustive order=3", "exhaustive order=4"]


def test_a_field_sweeps_only_over_entries_with_its_strategy(tabular, bench):
    words = ("strategy=random,random+exhaustive", "strategy.exhaustive.order=3,4")
    content = bench(*words, "seeds=1", "full=2")
    names = [one["strategy"] for one in content["problems"][0]["strategies"]]
    assert names == ["random", *(f"random+exhaustive exhaustive.order={n}" for n in (3, 4))]


def test_without_a_table_the_best_is_the_best_of_all_searches(bench):
    content = bench("strategy=random")
    (problem,) = content["problems"]
    assert problem["whole_table"] is False
    assert 1 < problem["architectures"] <= len(DOMAIN)


def test_workers_change_no_result(bench, workers_of_a_server):
    words = ("strategy=random", "seeds=3", "full=4")
    assert bench(*words, "workers=2") == bench(*words)


def test_python_gives_the_same_results(tabular, bench):
    printed = bench(STRATEGIES)["problems"][0]["strategies"]
    (outcome,) = nasir.bench(*TOY, STRATEGIES, seeds=4, full=12, workers=1)
    for one, expected in zip(outcome.standings, printed, strict=True):
        assert (one.strategy, one.best, one.rank) == tuple(
            expected[name] for name in ("strategy", "best", "rank")
        )


@pytest.mark.parametrize(
    ("settings", "printed"),
    [
        ({"seeds": 0}, "'seeds' must be >= 1: 0"),
        ({"seed": 1}, "bench has no seed=: write seeds=N"),
    ],
)
def test_wrong_settings_are_refused(settings, printed):
    with pytest.raises(SettingsError, match=re.escape(printed)):
        nasir.bench(*TOY, STRATEGIES, **settings)


@attrs.define
class Mine(RandomSearch):
    """A strategy that no plugin registers."""


def test_strategies_are_compared_as_instances_and_by_name(tabular):
    strategies = ["random", nasir.make("strategy", "exhaustive"), Mine()]
    (outcome,) = nasir.bench(*TOY, strategy=strategies, seeds=2, full=6, workers=1)
    names = [one.strategy for one in outcome.standings]
    assert names == ["random", "exhaustive", f"{__name__}:Mine"]


def test_a_strategy_that_cannot_be_imported_is_refused(tabular):
    @attrs.define
    class Local(RandomSearch):
        """Defined in a function."""

    for workers in (1, 2):
        with pytest.raises(SettingsError, match=r"Local cannot be imported, and each search"):
            nasir.bench(*TOY, strategy=["random", Local()], seeds=2, full=6, workers=workers)


def test_stored_results_are_not_computed_again(tabular, bench, monkeypatch):
    whole = bench(STRATEGIES, "-o", "kept")
    lines = Path("kept/results.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) == 8
    Path("kept/results.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:40])  # killed
    assert bench(STRATEGIES, "-o", "kept") == whole
    again = Path("kept/results.jsonl").read_bytes().splitlines(keepends=True)
    assert sorted(again) == sorted(lines)
    monkeypatch.setattr(ToyEvaluator, "evaluate", None)
    assert bench(STRATEGIES, "-o", "kept") == whole


def test_seeds_can_be_added_to_a_folder(tabular, bench):
    bench("strategy=random", "-o", "kept", "seeds=2")
    assert bench("strategy=random", "-o", "kept", "seeds=3") == bench("strategy=random", "seeds=3")
    assert len(Path("kept/results.jsonl").read_text().splitlines()) == 3


def test_curves_are_saved_as_data_and_drawn(tabular, bench):
    pytest.importorskip("matplotlib")
    content = bench("strategy=random,exhaustive", "-o", "kept")
    with open("kept/curves.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["evaluations"] for row in rows] == [f"{n}.0" for n in range(1, 13)] * 2
    for one in content["problems"][0]["strategies"]:
        last = [row for row in rows if row["strategy"] == one["strategy"]][-1]
        assert float(last["mean"]) == pytest.approx(one["best"])
        assert float(last["low"]) <= one["best"] <= float(last["high"]) + 1e-9
        assert last["runs"] == "4"
    assert Path("kept/curves.png").read_bytes().startswith(b"\x89PNG")
    results = [json.loads(line) for line in Path("kept/results.jsonl").read_text().splitlines()]
    assert {one["measure"] for one in results} == {"score"}  # at the axis: it is no metric's


def test_without_matplotlib_the_data_is_saved_and_the_missing_picture_reported(
    tabular, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["bench", *WORDS, "strategy=random", "-o", "kept"]) == 0
    said = capsys.readouterr()
    assert said.err == (
        "nasir: no curves.png: drawing needs matplotlib: pip install nasir[plots]\n"
    )
    assert Path("kept/curves.csv").exists()
    assert not Path("kept/curves.png").exists()


def test_the_table_explains_its_columns(tabular, capsys):
    assert main(["bench", *WORDS, "strategy=random,exhaustive,random+exhaustive"]) == 0
    out = capsys.readouterr().out
    header, *rows = out.splitlines()
    assert header.split() == [
        *("strategy", "evaluations", "reached", "best", "regret", "scored", "rank", "p-value")
    ]
    assert [row.split()[0] for row in rows[:3]] == ["random", "exhaustive", "random+exhaustive"]
    assert f"4 seeds, 12 evaluations each; {len(DOMAIN)} architectures of the table" in out
    assert "all equal: p " in out
    assert "Holm" in out


def test_failed_trials_are_reported(capsys):
    words = ["strategy=random", "evaluator.every=2"]
    assert main(["bench", *WORDS, *words]) == 0
    said = capsys.readouterr().out
    assert re.search(r"random: \d+ failed trials, the first: ValueError: made to fail\n", said)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ([], "bench needs strategies to compare: strategy=random,evolution"),
        (["strategy=random", "seeds=0"], r"'seeds' must be >= 1: 0"),
        (["strategy=random", "seeds=0..9"], "seeds wants one value here, got several"),
        (["strategy=random", "full=many"], "full: wants an integer, got 'many'"),
        (["strategy=random", "workers=-1"], "'workers' must be >= 0: -1"),
        (["strategy=random", "seed=3"], "bench has no seed=: write seeds=N"),
        (["strategy=random", "trials=3"], "bench has no trials=: write full=N"),
        (["strategy=random,random"], "strategy=random is named twice"),
        (["strategy=rendom"], "did you mean 'random'"),
        (["strategy=random", "space=nasdip", "evaluator=table"], "table"),
    ],
)
def test_bad_settings_are_refused(capsys, words: list[str], printed: str):
    assert main(["bench", *WORDS, *words]) == 2
    said = capsys.readouterr()
    assert re.search(printed, said.err)
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_folder_of_another_bench_is_refused(tabular, capsys):
    words = ["bench", *WORDS, "-o", "kept", "--json"]
    assert main([*words, "strategy=random"]) == 0
    for other in (["strategy=exhaustive"], ["strategy=random", "full=13"]):
        capsys.readouterr()
        assert main([*words, *other]) == 2
        assert "kept holds the results of another bench" in capsys.readouterr().err


def test_a_folder_of_something_else_is_refused(capsys):
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("precious")
    assert main(["bench", *WORDS, "strategy=random", "-o", "mine"]) == 2
    assert "mine is not empty and not the folder of a bench" in capsys.readouterr().err
    assert [path.name for path in Path("mine").iterdir()] == ["thesis.txt"]


def test_damaged_results_are_refused(tabular, capsys):
    words = ["bench", *WORDS, "strategy=random", "-o", "kept"]
    assert main(words) == 0
    Path("kept/results.jsonl").write_text('{"entry": 0}\n')
    capsys.readouterr()
    assert main(words) == 2
    assert "results.jsonl is damaged" in capsys.readouterr().err


def test_a_table_for_latex_has_a_row_for_each_strategy(tabular, capsys):
    assert main(["bench", *WORDS, "strategy=random,random+exhaustive,rl", "--latex"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rules = [lines.index(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")]
    rows = [line.removesuffix(r" \\").split(" & ") for line in lines[rules[1] + 1 : rules[2]]]
    assert rules == sorted(rules)
    assert [row[0] for row in rows] == ["random", "random+exhaustive", "rl"]
    assert {len(row) for row in rows} == {7}
    assert sum(r"\textbf" in row[3] for row in rows) >= 1
    assert escaped(r"a_b & 5% \x") == r"a\_b \& 5\% \textbackslash{}x"
