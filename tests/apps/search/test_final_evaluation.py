"""The end of a run: the found architecture and the references on the test split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from toy_plugin import ToySpace, outcome, score_of

import nasir
from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.evaluator import RestoredPicture
from nasir.core.seeds import derived_seed
from nasir.runs.result import picture_file, write_result
from nasir.runs.summary import results, summary


def test_found_and_reference_are_evaluated_on_the_test_split_with_the_same_seed(toy):
    run = toy()
    found, smallest = (
        run.final_evaluations["found", "test"],
        run.final_evaluations["smallest", "test"],
    )
    assert found.architecture == run.best.architecture
    assert smallest.architecture == ToySpace().reference()["smallest"]
    assert found.seed == smallest.seed == derived_seed(0, "final", "test")
    assert found.score == score_of(found.architecture.id, found.seed)
    assert found.proposal.fidelity == 1.0


def test_the_best_score_is_found(toy):
    run = toy("trials=20")
    scores = [trial.score for trial in run.trials]
    assert run.best.score == max(scores)
    assert run.final_evaluations["found", "search"] == run.best


def test_each_is_stopped_at_its_own_time(toy):
    run = toy("evaluator.stop=0.25")
    assert run.final_evaluations["smallest", "search"].stop == 0.25
    assert [
        run.final_evaluations[name, "test"].proposal.fidelity for name in ("found", "smallest")
    ] == [
        0.25,
        0.25,
    ]


def test_references_are_chosen_by_name_and_may_be_none(toy):
    assert {name for name, _ in toy("references=[]").final_evaluations} == {"found"}
    assert {name for name, _ in toy("references=smallest").final_evaluations} == {
        "found",
        "smallest",
    }


def test_the_folder_has_architecture_weights_and_picture_of_each(toy):
    run = toy()
    for name, inside in (("found", "best"), ("smallest", "references/smallest")):
        folder, trial = run.folder / inside, run.final_evaluations[name, "test"]
        assert load_file(folder / "weights.safetensors")["score"].tolist() == [trial.score] * 3
        assert (folder / "toy-restored.png").is_file()
        written = json.loads((folder / "architecture.json").read_text())
        assert Architecture.from_mapping(written) == trial.architecture
        assert written["settings"]["name"] == "toy"


def test_the_summary_puts_degraded_reference_and_found_in_rows(toy):
    run = toy()
    rows = results(run)
    assert [row["name"] for row in rows] == ["degraded input", "smallest", "found"]
    assert rows[0]["metrics"] == {"psnr": 1.0}
    assert rows[2]["metrics"]["psnr"] == run.final_evaluations["found", "test"].score
    content = summary(run)
    assert content["state"] == "finished"
    assert content["trials"] == {"complete": 6, "failed": 0}
    assert content["best"]["architecture_id"] == run.best.architecture.id


def test_a_failed_final_evaluation_is_recorded_and_the_run_is_finished(toy):
    seed = derived_seed(0, "final", "test")
    run = toy(f"evaluator.every={seed}")
    assert run.state == "finished"
    assert run.final_evaluations["found", "test"].state == "failed"
    assert [row.get("error") for row in results(run)] == ["ValueError: made to fail"] * 2
    assert json.loads((run.folder / "best" / "architecture.json").read_text())


def test_weights_that_cannot_be_written_make_a_failed_final_evaluation(toy):
    run = toy("evaluator.artifact=text")
    assert run.state == "finished"
    assert run.final_evaluations["found", "test"].state == "failed"
    assert (run.folder / "best" / "architecture.json").is_file()


@pytest.mark.parametrize("word", ["evaluator.nan_metric=true", "evaluator.stop=0.5", "seed=3"])
def test_a_finished_run_is_not_evaluated_again(toy, word: str):
    run = toy(word)
    before, workers = outcome(run), {key: t.started for key, t in run.final_evaluations.items()}
    nasir.resume(run.folder)
    assert outcome(run) == before
    assert {key: t.started for key, t in run.final_evaluations.items()} == workers


def test_a_better_architecture_found_later_is_evaluated_and_references_are_kept(toy):
    run = toy("trials=2", "seed=1")
    first, reference = (
        run.final_evaluations["found", "test"],
        run.final_evaluations["smallest", "test"],
    )
    nasir.resume(run.folder, trials=30)
    assert run.best.score > first.score or run.best.number > 1
    assert run.final_evaluations["found", "test"].architecture == run.best.architecture
    assert run.final_evaluations["smallest", "test"] == reference


def test_nothing_of_an_earlier_best_is_left_beside_a_new_one(tmp_path: Path):
    """Weights of one architecture beside the description of another would be read as its own."""
    array = np.zeros((2, 2, 3))
    restored = {"old": RestoredPicture(None, array, array)}
    best = tmp_path / "best"
    write_result(best, Architecture("toy", {"a": 1}), {}, restored, {"w": np.ones(2)})
    assert len(list(best.iterdir())) == 4
    write_result(best, Architecture("toy", {"a": 2}), {})
    assert [path.name for path in (tmp_path / "best").iterdir()] == ["architecture.json"]


def test_a_reference_cannot_be_called_as_the_found_one_is(toy, monkeypatch):
    monkeypatch.setattr(ToySpace, "baseline", "found")
    smallest = ToySpace().reference()["smallest"]
    monkeypatch.setattr(ToySpace, "reference", lambda self: {"found": smallest})
    with pytest.raises(SettingsError, match="'found'"):
        toy("trials=9")


def test_grey_and_colour_pictures_are_written_as_they_are(tmp_path: Path):
    from PIL import Image

    grey, colour = np.linspace(0, 1, 12).reshape(3, 4, 1), np.full((3, 4, 3), 2.0)
    restored = {"../x": RestoredPicture(None, grey, colour)}
    write_result(tmp_path / "best", Architecture("toy", {}), {}, restored)
    with Image.open(tmp_path / "best" / picture_file("../x", "degraded")) as picture:
        assert (picture.mode, picture.size) == ("L", (4, 3))
        expected = np.floor(grey[..., 0] * 255 + 0.5)
        assert np.array_equal(np.asarray(picture), expected)
    with Image.open(tmp_path / "best" / picture_file("../x", "restored")) as picture:
        assert np.asarray(picture).min() == 255
    assert [path.name for path in tmp_path.iterdir()] == ["best"]
