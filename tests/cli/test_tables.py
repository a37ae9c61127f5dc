"""The tables: ``nasir runs``, ``show``, ``compare``, and the end of ``nasir run``."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nasir.apps.formatting import (
    as_typed,
    axis,
    choices_in_words,
    figure,
    pictures_in_words,
    score,
    value_of,
)
from nasir.cli.main import main
from nasir.cli.tables import greatest, print_summary, table
from nasir.core.architecture import Architecture
from nasir.core.trial import Proposal, Trial
from nasir.runs.run import Run, create, writing

ANSI = "\x1b["
LONG = {f"decision_{i}": "option" for i in range(8)}

Make = Callable[..., Run]


def complete(number: int, psnr: float, **metrics: float) -> Trial:
    """A trial whose architecture is known by its number."""
    architecture = Architecture("s", {"size": number, "skip": number % 2 == 0, **LONG})
    return Trial(
        number,
        Proposal(architecture),
        seed=number,
        state="complete",
        score=psnr,
        metrics={"parameters": 1_234_567, "psnr": psnr, "ssim": psnr / 100, **metrics},
        seconds=1.5,
        worker="here:1",
    )


def failed(number: int) -> Trial:
    error = "the loss is nan at step 3\nTraceback (most recent call last):\n  deep inside\n"
    proposal = Proposal(Architecture("s", {"size": number}))
    return Trial(number, proposal, seed=number, state="failed", error=error, seconds=0.1)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes run folders as a search would."""

    def made(
        folder: str,
        trials: Sequence[Trial] = (),
        finals: dict[str, Trial] | None = None,
        state: str = "finished",
        **settings: object,
    ) -> Run:
        parts = {kind: {"name": "x"} for kind in ("space", "strategy", "task", "evaluator")}
        tree = {**parts, "seed": 0, "trials": 12, **settings}
        run = create(tmp_path / "runs" / folder, tree, {})
        with writing(run) as store, store.transaction():
            for trial in trials:
                store.save_trial(trial)
            for final, trial in (finals or {}).items():
                store.save_final_evaluation(final, "test", trial)
            store.save_progress(state=state, seconds=61.25)
        return run

    return made


@pytest.fixture
def finished(make: Make) -> Run:
    trials = [complete(0, 20.5), failed(1), complete(2, 27.25), complete(3, 26.0)]
    finals = {
        "found": complete(0, 28.125, degraded_psnr=20.125),
        "hand_made": complete(1, 27.5),
    }
    return make("first", trials, finals)


@pytest.fixture
def terminal(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns, in place of what `capsys` makes of the output."""
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_the_result_has_the_degraded_input_the_references_and_the_found_one(finished, capsys):
    print_summary(finished)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["test", "pictures", "PSNR", "SSIM", "parameters", "seconds"],
        ["degraded", "input", "20.12"],
        ["hand_made", "27.50", "0.2750", "1.23M", "1.5"],
        ["found", "28.12", "0.2812", "1.23M", "1.5"],
    ]
    rest = "\n".join(lines[4:])
    assert "found   trial 2, score 27.25\n        " in rest
    assert choices_in_words(finished.best.architecture.choices) in rest
    assert "trials  3 complete, 1 failed, 61.2 s" in rest
    assert rest.endswith(f"next    nasir show {finished.folder}")


@pytest.mark.parametrize(
    ("state", "follow"), [("interrupted", "resume"), ("running", "resume"), ("finished", "show")]
)
def test_what_to_do_next_depends_on_how_the_run_ended(make, capsys, state: str, follow: str):
    # "running" with no process that holds the run is one that was killed
    run = make("a run", [complete(0, 20.0)], state=state)
    print_summary(run)
    assert f"next    nasir {follow} '{run.folder}'" in capsys.readouterr().out


def test_a_run_without_success_shows_the_reason(make, capsys):
    print_summary(make("bad", [failed(0)]))
    out = capsys.readouterr().out
    assert "found   nothing: no trial is complete; the first failure: the loss is nan" in out


def test_a_failed_final_evaluation_shows_the_reason(make, capsys):
    print_summary(make("half", [complete(0, 20.0)], {"found": failed(0)}))
    assert re.search(r"^found failed +the loss is nan at step 3$", capsys.readouterr().out, re.M)


def test_a_pipe_gets_plain_unbroken_lines(finished, capsys):
    assert main(["show", str(finished.folder)]) == 0
    out = capsys.readouterr().out
    assert ANSI not in out
    assert out.count(choices_in_words(finished.best.architecture.choices)) == 1
    assert out.count("found, see below") == 1
    assert max(map(len, out.splitlines())) > 100


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("command", ["show", "compare", "runs"])
def test_a_terminal_gets_eighty_columns_and_emphasis(finished, capsys, command: str):
    place = finished.folder if command != "runs" else os.path.relpath(finished.folder.parent)
    assert main([command, str(place)]) == 0
    out = capsys.readouterr().out
    assert ANSI in out
    plain = re.sub(r"\x1b\[\d*m", "", out)
    # a path is one word, and words stay whole
    assert all(len(line) <= 80 or str(place) in line for line in plain.splitlines())
    if command == "show":
        assert "\x1b[1m28.12\x1b[0m" in out
        assert "\x1b[1m27.50\x1b[0m" not in out


@pytest.mark.usefixtures("terminal")
def test_show_fits_a_screen_of_100_by_30_with_the_result_last(make, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    parts = {
        "space": {"name": "nasdip", "depth": 2, "width": 4, "residual": True},
        "strategy": {"name": "evolution", "population": 20},
        "task": {"name": "denoise", "size": 32},
        "evaluator": {"name": "dip", "iterations": 8},
        "executor": {"name": "inline"},
        "workers": 1,
    }
    finals = {name: complete(0, 28.0) for name in ("found", "one", "other")}
    run = make("fits", [complete(i, 10.0 + i) for i in range(9)], finals, **parts)
    assert main(["show", str(run.folder)]) == 0
    plain = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    lines = plain.splitlines()
    assert len(lines) < 30  # one more for the prompt
    assert all(len(line) <= 100 or str(run.folder) in line for line in lines)
    assert "run" in (line.split()[0] for line in lines[-3:])  # a long path is broken
    assert "space.depth=2 space.width=4" in plain  # what is not the default
    assert "residual" not in plain
    assert "population" not in plain


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("several", [False, True])
def test_rows_of_compare_do_not_wrap(make, capsys, monkeypatch, several: bool):
    """The widest settings follow the table by number."""
    monkeypatch.setenv("COLUMNS", "100")
    finals = {name: complete(0, 28.0, degraded_psnr=20.125) for name in ("found", "hand_made")}
    name = "a_strategy_with_a_long_name+another_one"
    for number, options in enumerate([["a" * 30, "b" * 30], ["a" * 30, "b" * 30], ["c"]]):
        made = {"strategy": {"name": name, "parts": options}, "seed": number * several}
        make(f"{number}-nasdip-{name}", [complete(0, 20.0 + number)], finals, **made)
    assert main(["compare", *(str(path) for path in sorted(Path("runs").iterdir()))]) == 0
    lines = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= 100
    figures = [line.split() for line in lines if re.match(r"\d +1 +2\d.00 ", line.strip())]
    assert len(figures) == 3 or several
    assert any(line.startswith("1") and f"0-nasdip-{name}" in line for line in lines)
    assert any("strategy.parts=" + "a" * 30 in line for line in lines)


@pytest.mark.usefixtures("terminal")
def test_no_color_is_respected(finished, capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    print_summary(finished)
    assert ANSI not in capsys.readouterr().out


def test_show_lists_the_best_three_first_and_all_when_asked(make, capsys):
    run = make("long", [failed(0), *(complete(i, 10.0 + i) for i in range(1, 15))])
    numbers = r"^ +(\d+)  (?:complete|failed)"
    assert main(["show", str(run.folder)]) == 0
    best = re.findall(numbers, capsys.readouterr().out, re.M)
    assert best == [str(i) for i in range(14, 11, -1)]
    assert main(["show", str(run.folder), "--trials"]) == 0
    out = capsys.readouterr().out
    assert re.findall(numbers, out, re.M) == [str(i) for i in range(15)]
    assert "failed: the loss is nan at step 3" in out


def test_an_architecture_that_is_not_the_best_scored_is_explained(make, capsys):
    """As of a search by gradient, whose epochs of warm-up are not chosen."""
    run = make("own", [complete(0, 20.5), complete(1, 19.5)])
    print_summary(run)
    assert "own rule" not in capsys.readouterr().out
    with writing(run) as store, store.transaction():
        store.save_progress(recommended=1)
    print_summary(run)
    out = capsys.readouterr().out
    assert re.search(r"^found +trial 1, score 19\.50$", out, re.M)
    assert "own rule (nasir describe strategy): the highest score was that of trial 0, 20.50" in out


def test_the_latest_run_is_meant_where_none_is_named(make, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for command in ("show", "watch", "resume", "report"):
        assert main([command]) == 2
        assert "there is no run in runs" in capsys.readouterr().err
    old, new = (make(name, [complete(0, 20.0)]) for name in ("b", "a"))
    os.utime(old.folder / "settings.toml", (1, 1))
    assert main(["show"]) == 0
    assert capsys.readouterr().out.rstrip().splitlines()[-1].split()[1] == "runs/a"
    assert main(["report"]) == 0
    assert (new.folder / "report.html").is_file()


def test_one_trial_is_shown_in_full(finished, capsys):
    assert main(["show", str(finished.folder), "--trial", "1"]) == 0
    out = capsys.readouterr().out
    assert '{"space": "s", "choices": {"size": 1}}' in out
    assert "Traceback (most recent call last):\n  deep inside" in out
    assert main(["show", str(finished.folder), "--trial", "2", "--json"]) == 0
    trial = json.loads(capsys.readouterr().out)
    assert (trial["number"], trial["score"]) == (2, 27.25)
    assert Architecture.from_mapping(trial["architecture"]) == finished.best.architecture


def test_control_characters_in_a_run_are_not_printed(make, capsys):
    """A run from elsewhere, whose names clear the screen and set the window's title."""
    orders = "\x1b[2J\x1b]0;mine\x07\x9b2J"
    trial = Trial(0, Proposal(Architecture("s", {orders: orders})), 0, state="failed", error=orders)
    done = complete(1, 20.0, **{orders: 1.0})
    run = make("one", [trial, done], {orders: done}, strategy={"name": orders, "field": orders})
    for words in (
        ["show", str(run.folder)],
        ["show", str(run.folder), "--trials"],
        ["show", str(run.folder), "--trial", "0"],
        ["compare", str(run.folder), str(run.folder)],
        ["runs", str(run.folder.parent)],
        ["show", f"{run.folder}{orders}"],
    ):
        main(words)
        printed = "".join(capsys.readouterr())
        assert printed
        assert not any(c in printed for c in "\x1b\x07\x9b"), words


def test_an_unknown_trial_is_refused(finished, capsys):
    assert main(["show", str(finished.folder), "--trial", "9"]) == 2
    assert "has no trial 9: it has trials 0 to 3" in capsys.readouterr().err


def test_show_as_json_has_summary_settings_and_all_trials(finished, capsys):
    assert main(["show", str(finished.folder), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["best"]["trial"] == 2
    assert content["settings"] == finished.settings
    assert [trial["state"] for trial in content["trial_list"]].count("failed") == 1


def test_a_run_without_trials_can_be_shown(make, capsys):
    assert main(["show", str(make("new", state="interrupted").folder)]) == 0
    assert "nothing: no trial is complete" in capsys.readouterr().out


def test_runs_are_listed_newest_first_and_damaged_ones_too(make, finished, capsys):
    second = make("second", [complete(0, 20.0)], state="interrupted")
    broken = make("broken")
    (broken.folder / "run.sqlite").write_bytes(b"no database at all")
    (finished.folder.parent / "notes").mkdir()
    for age, run in enumerate([second, finished, broken]):
        os.utime(run.folder / "settings.toml", (1e9 - age, 1e9 - age))
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines[1:3]] == [
        ["second", "interrupted", "1/12", "20.00"],
        ["first", "finished", "4/12", "27.25"],
    ]
    assert lines[3].split()[:2] == ["broken", "damaged"]
    assert lines[5].startswith("broken is damaged: ")
    assert main(["runs", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [Path(row["folder"]).name for row in rows] == ["second", "first", "broken"]
    assert rows[1]["best"] == {"trial": 2, "stage": "full", "score": 27.25}
    assert "run.sqlite" in rows[2]["reason"]


def test_a_folder_without_runs_is_reported_in_one_line(finished, tmp_path: Path, capsys):
    for folder in (tmp_path, tmp_path / "missing"):
        assert main(["runs", str(folder)]) == 0
        assert capsys.readouterr().out == f"no runs in {folder}; make one with: nasir run\n"
    assert main(["runs", str(finished.folder)]) == 0
    assert "is a run itself" in capsys.readouterr().out
    assert main(["runs", str(tmp_path / "missing"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_comparison_has_a_column_for_each_setting_that_differs(make, finished, capsys):
    strategy = {"name": "other"}
    run = make("second", [complete(0, 30.0)], seed=1, strategy=strategy, name="second")
    assert main(["compare", str(finished.folder), str(run.folder)]) == 0
    out = capsys.readouterr().out
    header, first, second = (line.split() for line in out.splitlines()[:3])
    figures = ["trials", "best", "PSNR", "SSIM", "reference", "seconds"]
    assert header == ["run", "strategy", "seed", *figures]
    assert first == ["first", "x", "0", "4", "27.25", "28.12", "0.2812", "27.50", "61.2"]
    assert second == ["second", "other", "1", "1", "30.00", "61.2"]
    assert "all runs: space=x task=x\n" in out


def test_a_comparison_as_json_has_each_run_whole(finished, capsys):
    assert main(["compare", str(finished.folder), "--json"]) == 0
    (content,) = json.loads(capsys.readouterr().out)
    assert content["run"] == "first"
    assert content["settings"]["space"] == {"name": "x"}
    assert [row["name"] for row in content["results"]][-1] == "found"


def test_runs_without_metrics_can_be_compared(make, capsys):
    assert main(["compare", str(make("bare", [failed(0)]).folder)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["bare", "1", "none", "61.2"]


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("psnr", 27.3149, "27.31"),
        ("fit_psnr", float("inf"), "inf"),
        ("ssim", 0.81234, "0.8123"),
        ("parameters", 999, "999"),
        ("parameters", 1000, "1.00k"),
        ("parameters", 10_600, "10.6k"),
        ("parameters", 999_999, "1.00M"),
        ("multiply_adds", 123_456_789_012, "123G"),
        ("peak_memory", 766_812_345.5, "767M"),
        ("stop", 0.85, "0.85"),
        ("lpips", float("nan"), "nan"),
    ],
)
def test_a_figure_has_the_digits_that_mean_something(metric: str, value: float, shown: str):
    assert figure(metric, value) == shown
    assert value_of(shown) == pytest.approx(value, rel=5e-3, nan_ok=True)


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        ("psnr", "PSNR (dB)"),
        ("ssim", "SSIM"),
        ("fit_seconds", "fit time (s)"),
        ("seconds", "time (s)"),
        ("multiply_adds", "multiply adds"),
    ],
)
def test_an_axis_has_metric_and_unit(metric: str, shown: str):
    assert axis(metric) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(27.3, "27.30"), (-0.5, "-0.5"), (1e9, "1.00G"), (1e15, "1e+15"), (0.0, "0")],
)
def test_a_score_may_be_of_any_size(value: float, shown: str):
    assert score(value) == shown


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (True, "true"),
        (None, "none"),
        ((1, 3), "1,3"),
        ([], "[]"),
        (1e-3, "0.001"),
        ("rl", "rl"),
        ("", '""'),
        ("two words", '"two words"'),
    ],
)
def test_values_are_printed_as_they_are_typed(value: object, word: str):
    assert as_typed(value) == word


def test_columns_are_aligned():
    rows = [["a", "1.5"], ["long", "22.25"]]
    assert table(["name", "x"], rows, right=[1]) == "name      x\na       1.5\nlong  22.25"


@pytest.mark.parametrize(
    ("cells", "stressed"),
    [
        (["27.10", "28.55"], [1]),
        (["20.18 (supernet)", "19.00 (supernet)"], [0]),
        (["20.18 (supernet)", "27.10"], []),
        (["none", "27.10"], []),
    ],
)
def test_the_greatest_figure_is_among_those_of_one_stage(cells: list[str], stressed: list[int]):
    assert greatest([[cell] for cell in cells], 0) == [(row, 0) for row in stressed]


@pytest.mark.parametrize(
    ("searched", "tested", "said"),
    [
        ("ab", "cd", "scores are of a, b; tested on c, d, which the search has not seen"),
        ("ab", "bc", "scores are of a, b; tested on b, c"),
        ("a", "a", "scores and test are of the same pictures: a"),
        ("abcdefgh", "", "scores are of a, b, c, d, e, f and 2 more"),
        ("", "", ""),
    ],
)
def test_the_pictures_of_scores_and_test_are_named(searched: str, tested: str, said: str):
    results = [{"by_picture": dict.fromkeys(tested)}] if tested else []
    best = {"by_picture": dict.fromkeys(searched)} if searched else None
    assert pictures_in_words({"best": best, "results": results}) == said
