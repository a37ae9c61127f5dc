"""``nasir score``: architectures ranked by proxies, and what it refuses."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from toy_plugin import ToySpace

from nasir.apps.ranking import RankedArchitecture, ranked
from nasir.apps.score import score
from nasir.cli.main import main
from nasir.evaluators.proxy import ProxyEvaluator

TOY = ("space=toy", "task=denoise", "task.images=a.png", "task.size=16", "threads=1")
ARCHITECTURES = list(ToySpace().domain)


@pytest.fixture(autouse=True)
def picture(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 255, (24, 20), np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")


def printed(capsys: pytest.CaptureFixture[str], *argv: str):
    assert main(["score", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def rows_of(values: list[float], proxy: str) -> list[RankedArchitecture]:
    return [RankedArchitecture(str(i), ARCHITECTURES[i], {proxy: v}) for i, v in enumerate(values)]


def test_the_toys_convolutions_are_ranked_by_their_taps(capsys):
    """One channel: k^2 weights and a bias; larger is better."""
    rows = printed(capsys, *TOY, "pool=21", "proxies=parameters")
    assert len({row["architecture_id"] for row in rows}) == 21
    taps = [row["architecture"]["choices"].get("kernel", 1) ** 2 + 1 for row in rows]
    assert [row["values"]["parameters"] for row in rows] == taps
    assert taps == sorted(taps, reverse=True)
    for row, value in zip(rows, taps, strict=True):
        better, equal = sum(t > value for t in taps), taps.count(value)
        assert row["ranks"]["parameters"] == row["mean_rank"] == better + (equal + 1) / 2


def test_a_minus_reverses_the_ranks_but_not_the_values(capsys):
    words = (*TOY, "pool=21", "proxies=-parameters,synflow")
    rows = printed(capsys, *words)
    for row in rows:
        taps = row["architecture"]["choices"].get("kernel", 1) ** 2 + 1
        smaller = sum(other["values"]["parameters"] < taps for other in rows)
        equal = sum(other["values"]["parameters"] == taps for other in rows)
        assert row["values"].keys() == {"parameters", "synflow"}
        assert row["ranks"]["-parameters"] == smaller + (equal + 1) / 2
    assert main(["score", *words, "-o", "out.csv"]) == 0
    assert capsys.readouterr().out.split()[:3] == ["architecture", "-parameters", "rank"]
    with open("out.csv", encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert [float(row["parameters"]) for row in written] == [
        r["values"]["parameters"] for r in rows
    ]
    assert [float(r["-parameters_rank"]) for r in written] == [
        row["ranks"]["-parameters"] for row in rows
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=9))
def test_ranks_count_better_architectures_in_the_proxys_direction(values):
    for proxy, sign in (("synflow", 1), ("psd_db_mse", -1)):
        rows = ranked(rows_of([float(v) for v in values], proxy), [proxy])
        assert [sign * r.values[proxy] for r in rows] == sorted(sign * v for v in values)[::-1]
        for row in rows:
            better = sum(sign * (v - row.values[proxy]) > 0 for v in values)
            equal = values.count(int(row.values[proxy]))
            assert row.ranks[proxy] == better + (equal + 1) / 2


def test_nan_ranks_last_before_failures():
    rows = rows_of([1.0, math.nan, 3.0, -math.inf, math.inf], "zen")
    rows.insert(0, RankedArchitecture("broken", ARCHITECTURES[9], error="no memory"))
    order = ranked(rows, ["zen"])
    assert [one.name for one in order] == ["2", "0", "1", "3", "4", "broken"]
    assert [one.ranks["zen"] for one in order[:5]] == [1, 2, 4, 4, 4]
    assert order[-1].mapping["error"] == "no memory"


def test_several_proxies_are_combined_by_mean_rank():
    values = [{"zen": 3.0, "psd_db_mse": 9.0}, {"zen": 2.0, "psd_db_mse": 1.0}]
    values.append({"zen": 1.0, "psd_db_mse": 2.0})
    rows = [RankedArchitecture(str(i), ARCHITECTURES[i], v) for i, v in enumerate(values)]
    order = ranked(rows, ["zen", "psd_db_mse"])
    assert [(one.name, one.mean_rank) for one in order] == [("1", 1.5), ("0", 2.0), ("2", 2.5)]


def test_values_equal_the_evaluators_and_are_reproducible(capsys):
    words = ("architecture=deep_image_prior", "space.depth=1", "space.width=4", *TOY[1:])
    more = ("pool=2", "proxies=synflow,psd_db_mse", "evaluator.initialisations=2", "seed=3")
    first = printed(capsys, *words, *more)
    assert printed(capsys, *words, *more) == first
    assert {"deep_image_prior"} < {row["name"] for row in first}
    other = printed(capsys, *words, *more, "seed=4")
    assert {row["name"] for row in other} != {row["name"] for row in first}
    by_python = score(*words, *more[:1], proxies=["synflow", "psd_db_mse"], seed=3)
    assert {one.name for one in by_python} == {row["name"] for row in first}
    assert [one.mean_rank for one in by_python] == sorted(one.mean_rank for one in by_python)


def test_a_run_folder_and_a_file_define_the_space(toy, capsys):
    run = toy("name=r", "space.kernels=[1,3]")
    file = run.folder / "best" / "architecture.json"
    words = (f"architecture={run.folder},{file}", *TOY[1:], "proxies=parameters")
    rows = printed(capsys, *words)
    assert {row["name"] for row in rows} == {str(run.folder), str(file)}
    assert {row["architecture_id"] for row in rows} == {run.best.architecture.id}


def test_a_limit_holds_for_the_pool(capsys):
    rows = printed(capsys, *TOY, "pool=5", "proxies=parameters", "limit=parameters<11")
    assert max(row["values"]["parameters"] for row in rows) <= 10


def test_the_table_has_a_value_and_a_rank_for_each_proxy(capsys):
    assert main(["score", *TOY, "pool=3", "proxies=parameters,synflow", "-o", "out.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    header = ["architecture", "parameters", "rank", "synflow", "rank", "mean", "rank"]
    assert lines[0].split() == header
    ranks = [float(line.split()[-1]) for line in lines[1:]]
    assert ranks == sorted(ranks)
    with open("out.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["mean_rank"]) for row in rows] == ranks
    assert [row["architecture"] for row in rows] == [line.split()[0] for line in lines[1:]]
    assert [ToySpace().domain.architecture(json.loads(r["choices"])).id for r in rows] == [
        row["architecture_id"] for row in rows
    ]
    assert main(["score", *TOY, "pool=3", "proxies=synflow"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["architecture", "synflow", "rank"]


def test_an_architecture_that_cannot_be_scored_is_reported_and_the_others_are_ranked(
    monkeypatch: pytest.MonkeyPatch, capsys
):
    evaluate = ProxyEvaluator.evaluate

    def failing(self, proposal, problem, seed):
        if proposal.architecture.choices.get("kernel") == 5:
            raise ValueError("made to fail")
        return evaluate(self, proposal, problem, seed)

    monkeypatch.setattr(ProxyEvaluator, "evaluate", failing)
    assert main(["score", *TOY, "pool=21", "proxies=parameters", "-o", "out.csv"]) == 1
    lines = capsys.readouterr().out.splitlines()
    failed = [line for line in lines if line.endswith("failed: ValueError: made to fail")]
    five = [a for a in ARCHITECTURES if a.choices.get("kernel") == 5]
    assert len(failed) == len(five)
    assert len(lines) == 1 + 21
    with open("out.csv", encoding="utf-8") as file:
        errors = [row["error"] for row in csv.DictReader(file)]
    assert errors.count("ValueError: made to fail") == len(five)


def test_a_recipe_sets_task_and_space_only(capsys):
    content = (
        'space = "toy"\nstrategy = "random"\ntrials = 3\nevaluator = {name="toy", sleep=9.0}\n'
    )
    Path("search.toml").write_text(content, encoding="utf-8")
    rows = printed(capsys, "search.toml", *TOY[1:], "architecture=smallest", "proxies=parameters")
    assert [(row["name"], row["values"]) for row in rows] == [("smallest", {"parameters": 2.0})]


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ([], "say what to score: architecture=NAME"),
        (["pool=3", "proxies=synflw"], "did you mean 'synflow'"),
        (["pool=3", "proxies=3"], "unknown proxy '3'"),
        (["pool=3", "proxies=synflow", "proxies.x=1"], "'proxies' has no fields"),
        (["pool=0"], "'pool' must be >= 1"),
        (["pool=3,4"], "pool wants one value here, got several"),
        (["pool=many"], "pool: wants an integer, got 'many'"),
        (["pool=23"], "pool=23: found 21 different architectures: take fewer"),
        (["pool=21", "limit=parameters<11"], "architectures: take fewer"),
        (["architecture=smalest"], "did you mean 'smallest'"),
        (["architecture=3"], "unknown reference architecture '3'"),
        (["architecture=nowhere/architecture.json"], "cannot read architecture"),
        (
            ["architecture=smallest", "limit=parameters<11"],
            "limit is a bound on the pool: add pool=N",
        ),
        (["pool=3", "trials=3"], "unknown setting 'trials'"),
        (["pool=3", "evaluator=dip"], "leave evaluator out"),
        (["pool=3", "evaluator.iterations=3"], "unknown setting 'evaluator.iterations'"),
        (["pool=3", "evaluator.side=3"], "side"),
        (["pool=3", "task.sigma=15,25"], "task.sigma wants one value here"),
        (["pool=3", "images=nowhere"], "there is no picture or folder"),
        (["pool=3", "nonsense"], "neither key=value"),
        (["pool=3", "-o", "nowhere/out.csv"], "cannot write nowhere/out.csv"),
    ],
)
def test_bad_input_to_score_is_refused_in_one_line(words: list[str], printed: str, capsys):
    assert main(["score", *TOY, *words]) == 2
    error = capsys.readouterr().err
    assert printed in error
    assert len(error.strip().splitlines()) == 1


def test_space_settings_without_effect_are_refused(toy, capsys):
    run = toy("name=r")
    words = [f"architecture={run.folder}", *TOY[1:], "space=toy"]
    assert main(["score", *words]) == 2
    assert "space cannot be set here" in capsys.readouterr().err
