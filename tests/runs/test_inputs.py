"""A run that goes on from other inputs than it began with is refused, or records what changed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nasir
from nasir.cli.main import main
from nasir.core.errors import RunFolderError
from nasir.runs.folder import ENVIRONMENT
from nasir.runs.inputs import changes, differences, recorded
from nasir.runs.run import Run
from nasir.runs.summary import summary

QUICK = ("strategy=random", "space=toy", "evaluator=toy", "threads=1", "trials=2", "references=[]")


def draw(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 20), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run on three pictures, in a project of its own."""
    project = tmp_path / "project"
    for seed, name in enumerate("bcd"):
        draw(project / "pics" / f"{name}.png", seed)
    words = (*QUICK, "task=denoise", "task.size=16", f"task.images={project / 'pics'}")
    return nasir.search(*words, folder=project / "runs", name="one")


def pictures(run: Run) -> Path:
    return run.folder.parent.parent / "pics"


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "added": (lambda pics: draw(pics / "a.png", 9), "new: a.png"),
    "taken": (lambda pics: (pics / "c.png").unlink(), "gone: c.png"),
    "replaced": (lambda pics: draw(pics / "c.png", 9), "changed: c.png"),
    "renamed": (
        lambda pics: (pics / "b.png").rename(pics / "x.png"),
        r"renamed: b.png \(now x.png\)",
    ),
}


@pytest.mark.parametrize(("change", "what"), CHANGES.values(), ids=CHANGES)
def test_other_pictures_are_refused_or_recorded(run: Run, change: Any, what: str):
    before = [trial.score for trial in run.trials]
    change(pictures(run))
    with pytest.raises(RunFolderError, match=rf"something else: {what}; put that back"):
        nasir.resume(run.folder, trials=4)
    assert [trial.score for trial in run.trials] == before
    nasir.resume(run.folder, trials=4, accept_changes=True)
    assert len(run.trials) == 4
    (accepted,) = summary(run)["changes"]
    assert len(accepted["what"]) == 1
    nasir.resume(run.folder, trials=5)  # the accepted ones are now its own
    assert len(changes(recorded(run))) == 1
    assert len(recorded(run)["resumed"]) == 2


def test_after_accepted_changes_found_and_references_are_on_the_same_pictures(run: Run):
    """What was evaluated on the former pictures is evaluated again."""
    real = run.final_evaluations["found", "test"].score
    with closing(sqlite3.connect(run.folder / "run.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE final_evaluations SET trial = json_set(trial, '$.score', 123.0), name = "
            "CASE split WHEN 'test' THEN 'of-before' ELSE name END"
        )
    nasir.resume(run.folder, trials=2)
    assert run.final_evaluations["of-before", "test"].score == 123.0
    draw(pictures(run) / "c.png", 9)
    nasir.resume(run.folder, trials=2, accept_changes=True)
    assert {key: one.score for key, one in run.final_evaluations.items()} == {
        ("found", "search"): run.best.score,
        ("found", "test"): real,
    }


def test_runs_on_other_pictures_at_the_same_places_are_apart_and_make_no_table(run: Run, capsys):
    again = str(run.folder.parent / "two")
    words = (*QUICK, "task=denoise", "task.size=16", f"task.images={pictures(run)}", "seed=1")
    nasir.search(*words, folder=run.folder.parent, name="same")
    assert len(nasir.compare(run.folder, run.folder.parent / "same").groups) == 1
    draw(pictures(run) / "c.png", 9)
    nasir.search(*words, folder=run.folder.parent, name="two")
    compared = nasir.compare(run.folder, again)
    assert len(compared.groups) == 2
    assert compared.keys == ["task.contents"]
    assert main(["tabulate", str(run.folder), again, "-o", "t.safetensors"]) == 2
    assert "or other pictures: a table has one of each task" in capsys.readouterr().err


def test_pictures_that_were_moved_as_they_are_are_said_with_images(run: Run, capsys):
    there = run.folder.parent.parent / "elsewhere"
    pictures(run).rename(there)
    words = ["resume", str(run.folder), "--trials", "3", "--quiet"]
    assert main(words) == 2
    assert "if its pictures were moved, give --images NEW" in capsys.readouterr().err
    assert main([*words, "--images", str(there)]) == 0
    assert run.settings["task"]["images"] == [str(there)]
    assert "changes" not in summary(run)
    draw(there / "c.png", 9)
    assert main([*words, "--images", str(there)]) == 2
    assert "changed: c.png" in capsys.readouterr().err


def test_a_folder_that_was_moved_with_its_pictures_goes_on(run: Run, tmp_path: Path):
    shutil.move(run.folder.parent.parent, tmp_path / "moved")
    there = nasir.resume(tmp_path / "moved" / "runs" / "one", trials=3)
    assert len(there.trials) == 3
    assert there.settings["task"]["images"] == [str(tmp_path / "moved" / "pics")]
    (tmp_path / "moved").rename(tmp_path / "again")
    there = nasir.resume(tmp_path / "again" / "runs" / "one", trials=4)
    assert there.settings["task"]["images"] == [str(tmp_path / "again" / "pics")]


def test_images_are_refused_for_a_run_that_was_given_none(toy, capsys):
    run = toy()
    assert main(["resume", str(run.folder), "--images", "x"]) == 2
    assert "was given no images" in capsys.readouterr().err


NOW = {
    "versions": {"python": "3.12.1", "torch": "2.13.0"},
    "components": {"mine:Space": "mine 1.0"},
    "options": "abc",
    "device": "cpu",
    "files": {},
}


@pytest.mark.parametrize(
    ("was", "what"),
    [
        ({"versions": {"python": "3.12.1", "torch": "2.12.0"}}, "torch was 2.12.0 and is 2.13.0"),
        ({"components": {"mine:Space": "mine 0.9"}}, "mine:Space was of mine 0.9 and is of mine 1"),
        ({"options": "abd"}, "the space has other decisions or options"),
        ({"device": "cuda"}, "the device was cuda and is cpu"),
    ],
)
def test_what_else_differs_is_said(was: dict[str, Any], what: str):
    (said,) = differences({**NOW, **was}, NOW)
    assert said.startswith(what)


@pytest.mark.parametrize("lost", [{}, {"files": 3, "versions": [], "options": None}])
def test_what_was_not_recorded_is_not_compared(lost: dict[str, Any]):
    assert differences(lost, NOW) == []


@pytest.mark.parametrize("damage", [[], [3], [{"time": "x"}], [{"time": 1.0, "what": [3]}], 7])
def test_damaged_records_of_changes_are_left_out(toy, damage: Any):
    run = toy()
    file = run.folder / ENVIRONMENT
    file.write_text(json.dumps(recorded(run) | {"changes": damage}))
    assert "changes" not in summary(run)


def test_a_training_goes_on_from_its_own_pictures_alone(tmp_path: Path, monkeypatch):
    from nasir.apps.train import train as module

    for seed, name in enumerate("abc"):
        draw(tmp_path / "pics" / f"{name}.png", seed)
    monkeypatch.setattr(module, "conduct", lambda training, planned: None)
    words = ("architecture=dncnn", "space=unet", "task=denoise", f"images={tmp_path / 'pics'}")
    more = ("evaluator.patch=16", "evaluator.batch=1", "evaluator.iterations=1")
    training = nasir.train(*words, *more, output=tmp_path / "one")
    draw(tmp_path / "pics" / "b.png", 7)
    with pytest.raises(RunFolderError, match=r"changed: b.png"):
        nasir.train(str(training.folder))
    nasir.train(str(training.folder), accept_changes=True)
    assert len(changes(recorded(training))) == 1
