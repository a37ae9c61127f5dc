"""Tables made of runs, and searches that look results up in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.stats import kendalltau

import nasir
from nasir.apps.search.search import plan
from nasir.apps.tabulate import tabulate
from nasir.cli.main import main
from nasir.core.errors import NasirError, SettingsError
from nasir.core.trial import Trial
from nasir.runs.run import Run
from nasir.runs.table import Column, Table, cells

SPACE = (
    "space.depth=1",
    "space.width=4",
    "space.kernel=3",
    "space.dilation=1",
    "space.upsample=nearest,bilinear",
    "space.transform=conv,identity",
    "space.activation=none,relu",
)
PICTURES = ("task.size=16", "task.search=0", "task.color=grey")
FITS = ("evaluator.stop=fixed", "evaluator.iterations=10", "evaluator.curve=5")
PROXIES = ("evaluator=proxy", "evaluator.proxies=bandwidth_99,psd_db_mse")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every architecture of a small space, four of them again, and proxies; as runs and table."""
    folder = tmp_path_factory.mktemp("table")

    def run(*words: str, **settings: Any) -> Run:
        every = ("strategy=exhaustive", f"folder={folder}")
        return nasir.search(*SPACE, *PICTURES, *every, *words, references=(), **settings)

    runs = [run(*FITS), run(*FITS, seed=1, trials=4), run(*PROXIES)]
    table = tabulate(*runs)
    path = folder / "t.safetensors"
    table.save(path)
    return {"runs": runs, "table": table, "path": path}


def looked_up(made: dict[str, Any], *words: str, **settings: Any) -> Run:
    table = ("evaluator=table", f"evaluator.table={made['path']}")
    return nasir.search(*SPACE, *table, *words, references=(), **settings)


def test_every_architecture_and_figure_of_the_runs_is_in_the_table(made: dict[str, Any]):
    table = Table.load(made["path"])
    first, again, known = ({t.architecture.id: t for t in run.trials} for run in made["runs"])
    assert set(table.rows) == set(first)
    assert (len(first), len(again)) == (8, 4)
    records = table.tasks["denoise"]
    for id, row in table.rows.items():
        for turn, trials in enumerate((first, again)):
            figures = dict(zip(records.columns, records.repeats[turn][row], strict=True))
            if id in trials:
                for column, value in cells(trials[id]).items():
                    assert figures[column] == np.float32(value)
            else:
                assert np.isnan(list(figures.values())).all()
        of_proxies = records.known_of(row)
        assert of_proxies.metrics["psd_db_mse"] == np.float32(known[id].metrics["psd_db_mse"])
        assert of_proxies.by_picture.keys() == known[id].by_picture.keys()


def test_a_saved_table_is_the_same_when_it_is_read(made: dict[str, Any]):
    read = Table.load(made["path"])
    assert read.architectures == made["table"].architectures
    assert read.space == made["table"].space
    assert read.tasks["denoise"].settings["evaluator"]["iterations"] == 10


def test_a_search_in_the_table_finds_what_the_fits_found(made: dict[str, Any]):
    found = looked_up(made, "strategy=exhaustive").best
    best = made["runs"][0].best
    assert found.architecture == best.architecture
    assert found.score == np.float32(best.score)
    assert found.metrics["parameters"] == best.metrics["parameters"]


def test_a_lower_fidelity_is_the_last_point_of_the_curve_before_it(made: dict[str, Any]):
    trial = made["runs"][0].trials[0]
    problem = plan([*SPACE, "evaluator=table", f"evaluator.table={made['path']}"], {})[0].problem
    for fidelity, point in ((0.1, 0.2), (0.2, 0.2), (0.59, 0.4), (0.6, 0.6), (0.99, 0.8)):
        curve = [dict(of)[point] for of in trial.curve.values()]
        proposal = nasir.core.trial.Proposal(trial.architecture, fidelity=fidelity)
        score = problem.evaluators["full"].evaluate(proposal, problem, 0).score
        assert len(curve) == 4
        assert score == pytest.approx(np.mean(curve), abs=1e-5)


def test_repeats_are_the_first_the_mean_or_drawn(made: dict[str, Any]):
    first, again, _ = ({t.architecture.id: t.score for t in run.trials} for run in made["runs"])

    def scores(repeat: str, seed: int = 0) -> dict[str, float]:
        run = looked_up(made, "strategy=exhaustive", f"evaluator.repeat={repeat}", seed=seed)
        return {t.architecture.id: t.score for t in run.trials}

    mean, drawn = scores("mean"), [scores("draw", seed) for seed in range(6)]
    for id, score in first.items():
        other = again.get(id, score)
        assert mean[id] == pytest.approx((score + other) / 2, abs=1e-5)
        assert {one[id] for one in drawn} <= {np.float32(score), np.float32(other)}
    assert any(len({one[id] for one in drawn}) == 2 for id in again)


@pytest.mark.parametrize(("proxy", "wanted"), [("parameters", max), ("-parameters", min)])
def test_what_a_fit_costs_is_known_before_it(made: dict[str, Any], proxy: str, wanted: Any):
    words = (f"strategy.proxies={proxy}", "strategy.pool=8", "strategy.keep=1")
    run = looked_up(made, "strategy=zero_cost", *words)
    (full,) = (t for t in run.trials if t.proposal.stage == "full")
    assert full.metrics["parameters"] == wanted(
        t.metrics["parameters"] for t in made["runs"][0].trials
    )


def test_the_seconds_of_a_fit_are_the_least_of_its_repeats(made: dict[str, Any]):
    first, again, _ = ({t.architecture.id: t.seconds for t in run.trials} for run in made["runs"])
    records, rows = made["table"].tasks["denoise"], made["table"].rows
    column = records.columns.index(Column("fit_seconds"))
    for id, seconds in first.items():
        least = min(seconds, again.get(id, seconds))
        assert records.repeats[0][rows[id], column] == pytest.approx(least)
        assert np.isnan(records.repeats[1][rows[id], column]) == (id not in again)


def test_one_picture_is_looked_up_by_itself(made: dict[str, Any]):
    run = looked_up(made, "strategy=exhaustive", "evaluator.pictures=coffee")
    wanted = {t.architecture.id: t.by_picture["coffee"]["psnr"] for t in made["runs"][0].trials}
    assert all(t.score == np.float32(wanted[t.architecture.id]) for t in run.trials)


def test_proxies_are_looked_up_too(made: dict[str, Any]):
    strategy = ("strategy=zero_cost", "strategy.proxies=psd_db_mse", "strategy.keep=3")
    run = looked_up(made, *strategy)
    values = {t.architecture.id: t.metrics["psd_db_mse"] for t in made["runs"][2].trials}
    full = [t.architecture.id for t in run.trials if t.proposal.stage == "full"]
    assert full == sorted(values, key=values.__getitem__)[:3]


def test_proxies_in_a_table_are_correlated_with_its_fits(made: dict[str, Any], capsys):
    assert main(["correlate", str(made["path"]), "--json"]) == 0
    taus = {(one["predictor"], one["picture"]): one for one in json.loads(capsys.readouterr().out)}
    first, again, known = ({t.architecture.id: t for t in run.trials} for run in made["runs"])

    def value(trial: Trial, metric: str, picture: str | None) -> float:
        return (trial.metrics if picture is None else trial.by_picture[picture])[metric]

    def tau(predictor: dict[str, Trial], its: str, picture: str | None) -> float:
        there = [id for id in first if id in predictor]
        pairs = [
            (value(predictor[id], its, picture), value(first[id], "psnr", picture)) for id in there
        ]
        return kendalltau(*zip(*pairs, strict=True)).statistic

    expected = {
        ("psd_db_mse", "coffee"): tau(known, "psd_db_mse", "coffee"),
        ("bandwidth_99", None): tau(known, "bandwidth_99", None),
        ("parameters", None): tau(first, "parameters", None),
        ("second_fit", None): tau(again, "psnr", None),
        ("second_fit", "coffee"): tau(again, "psnr", "coffee"),
    }
    assert {key: taus[key]["tau"] for key in expected} == pytest.approx(expected)
    assert taus["second_fit", None]["architectures"] == 4


def test_a_table_is_correlated_with_the_proxies_it_has(made: dict[str, Any], capsys):
    assert main(["correlate", str(made["path"]), "--proxies", "snip"]) == 2
    assert "leave --proxies NAMES out" in capsys.readouterr().err


def test_the_ranking_is_by_the_mean_of_all_repeats(made: dict[str, Any]):
    problem = plan([*SPACE, "evaluator=table", f"evaluator.table={made['path']}"], {})[0].problem
    ranking = problem.evaluators["full"].ranking(problem)
    assert [score for score, _ in ranking] == sorted((s for s, _ in ranking), reverse=True)
    assert len(ranking) == 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["space.depth=2"], "none of 50 architectures drawn from this space is in table"),
        (["task=inpaint"], "has no task inpaint: take task=denoise"),
        (["evaluator.pictures=cofee"], "did you mean 'coffee'"),
        (["evaluator.table=nonesuch"], "there is no table 'nonesuch'"),
        (["evaluator.table=nonesuch.safetensors"], "cannot read table"),
        (["strategy=zero_cost", "strategy.proxies=synflow"], "has no proxy synflow"),
        (["space=clearer"], "is of space nasdip, not clearer"),
        (["objective=niqe"], "this search measures no niqe"),
    ],
)
def test_what_the_table_lacks_is_refused_before_the_search(
    made: dict[str, Any], words: list[str], message: str
):
    space = () if "space=clearer" in words else SPACE
    table = ["evaluator=table", f"evaluator.table={made['path']}"]
    with pytest.raises(NasirError, match=message):
        nasir.search(*space, "strategy=random", *table, *words, references=())


def test_an_architecture_that_is_lacking_is_a_failed_trial(made: dict[str, Any]):
    run = looked_up(made, "strategy=exhaustive", "space.activation=none,relu,selu")
    failed = [t for t in run.trials if t.state == "failed"]
    assert len(failed) == 4
    assert all("t.safetensors lacks " in t.reason and "\n" not in t.error for t in failed)


@pytest.mark.parametrize("content", [b"", b"no table", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_file_that_is_no_table_is_refused(content: bytes, tmp_path: Path):
    path = tmp_path / "t.safetensors"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="no table of nasir, or damaged"):
        Table.load(path)


def test_other_safetensors_are_refused(tmp_path: Path):
    save_file({"architectures": np.zeros((1, 2))}, tmp_path / "t.safetensors")
    with pytest.raises(SettingsError, match="its format is None"):
        Table.load(tmp_path / "t.safetensors")


def test_the_command_writes_a_table_and_never_over_another(
    made: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folders = [str(run.folder) for run in made["runs"]]
    path = tmp_path / "t.safetensors"
    assert main(["tabulate", *folders, "-o", str(path)]) == 0
    assert path.read_bytes() == made["path"].read_bytes()
    assert "denoise" in capsys.readouterr().out
    assert main(["tabulate", *folders, "-o", str(path)]) == 2
    assert "overwrite it with --force" in capsys.readouterr().err
    assert main(["tabulate", folders[2], "-o", str(tmp_path / "u.safetensors")]) == 2
    assert "no run evaluates task denoise by fits" in capsys.readouterr().err
