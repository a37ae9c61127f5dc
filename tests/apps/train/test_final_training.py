"""Final training: its folder, what it comes to, killed and gone on with."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import toy_trained
from filelock import FileLock
from killed import KILLED, TRAINING, needs_forks, train_killed
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage.metrics import peak_signal_noise_ratio

import nasir
from nasir.apps.evaluate.evaluate import evaluate
from nasir.apps.train.curve import Curve
from nasir.apps.train.planning import plan
from nasir.apps.train.training import Training
from nasir.core.errors import EvaluationError, NasirError, RunFolderError, SettingsError
from nasir.core.progress import listening
from nasir.networks.network import find_network
from nasir.runs.training_folder import TrainingFolder, is_training


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    return toy_trained.trained(tmp_path_factory.mktemp("trained"))


def eight_bits(picture: torch.Tensor) -> np.ndarray:
    return np.rint(picture.clamp(0, 1).numpy() * 255).astype(np.uint8)


def test_a_trainings_folder_records_everything(training: Training):
    assert {path.name for path in training.folder.iterdir()} >= {
        "settings.toml",
        "environment.json",
        "architecture.json",
        "weights.safetensors",
        "training.csv",
        "result.json",
        "checkpoints",
    }
    assert list((training.folder / "checkpoints").iterdir()) == []
    assert training.settings["task"]["size"] == 0
    assert training.settings["evaluator"]["iterations"] == 50
    assert training.state == "finished"
    architecture, space = training.found
    assert architecture.choices["kernel"] == 3
    assert nasir.build(training.folder / "architecture.json", in_channels=1, out_channels=1)
    assert space.domain.space == "toy"


def test_the_curve_has_a_row_every_ten_steps(training: Training):
    rows = list(csv.DictReader((training.folder / "training.csv").open()))
    assert [int(row["step"]) for row in rows] == [10, 20, 30, 40, 50]
    assert all(float(row["loss"]) > 0 for row in rows)
    assert {row["validation_psnr"] for row in rows} == {""}


def test_the_weights_are_those_of_an_evaluation_that_trains(training: Training, tmp_path: Path):
    given = [word for word in toy_trained.words(tmp_path) if "images=" not in word]
    task = training.settings["task"]
    pictures = {name: task[name] for name in ("images", "test_images")}
    (result,) = evaluate(*given, "evaluator=train", "task.search=2", task=task | pictures)
    assert result.metrics["psnr"] == training.metrics["psnr"]


def test_the_result_is_that_of_the_network_on_the_test_pictures(training: Training):
    network = training.network()
    assert not network.training
    task = nasir.apps.train.planning.plan_again(training).problem.task
    by_picture = training.result["by_picture"]
    for sample, row in zip(task.samples("test"), by_picture.values(), strict=True):
        with torch.no_grad():
            made = network(sample.degraded)
        assert sample.clean.shape == (1, 1, 24, 30)
        expected = peak_signal_noise_ratio(*map(eight_bits, (sample.clean, made)))
        assert row["psnr"] == pytest.approx(expected, abs=1e-3)


def test_validation_pictures_are_watched_and_not_trained_on(tmp_path: Path):
    heard = []
    with listening(lambda done, total, figures: heard.append((done, total, set(figures)))):
        training = toy_trained.trained(
            tmp_path, "validation=0.3", "evaluator.iterations=20", "evaluator.ema=0"
        )
    rows = list(csv.DictReader((training.folder / "training.csv").open()))
    assert heard[:2] == [(n, 20, {"loss", "validation_psnr"}) for n in (10, 20)]
    planned = nasir.apps.train.planning.plan_again(training)
    ours, watched = planned.patches()
    assert (len(ours.names), len(watched.names)) == (2, 1)
    assert not {*ours.names} & {*watched.names}
    sample = watched.sample(watched.names[0])
    with torch.no_grad():
        made = training.network()(sample.degraded)
    expected = peak_signal_noise_ratio(*map(eight_bits, (sample.clean, made)))
    assert float(rows[-1]["validation_psnr"]) == pytest.approx(expected, abs=1e-3)


@needs_forks
def test_killed_again_and_again_it_comes_to_the_same_bits(tmp_path: Path):
    words = [*toy_trained.words(tmp_path), "evaluator.checkpoint_every=0.000001"]
    there = tmp_path / "killed"
    # a process dies before it has kept the state of that step, which is done again
    assert train_killed(there, words) == [KILLED] * len(TRAINING)
    assert not (there / "result.json").exists()
    whole = nasir.train(*words, output=tmp_path / "whole")
    assert toy_trained.bits(nasir.train(str(there))) == toy_trained.bits(whole)


@pytest.mark.parametrize("architecture", [True, False])
def test_a_training_starts_from_the_weights_that_are_given(
    architecture: bool, training: Training, tmp_path: Path
):
    words = [*toy_trained.words(tmp_path), f"evaluator.start={training.folder}"]
    still = ("evaluator.iterations=1", "evaluator.lr=1e-30", "evaluator.ema=0")
    words = [word for word in words if architecture or not word.startswith("architecture=")]
    again = nasir.train(*words, *still, output=tmp_path / "again")
    before, after = (load_file(one.weights) for one in (training, again))
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert again.metrics["psnr"] == training.metrics["psnr"]


def test_a_training_that_starts_from_a_registered_network_has_its_architecture(tmp_path: Path):
    planned = plan(["evaluator.start=denoise", *toy_trained.pictures(tmp_path, colour=True)], {})
    network = find_network("denoise")
    assert planned.architecture == network.architecture
    assert planned.problem.space == network.make_space()
    assert planned.evaluator.start == "denoise"


def test_a_finished_training_is_left_as_it_is(training: Training):
    before = {path: path.stat().st_mtime_ns for path in training.folder.rglob("*.*")}
    assert nasir.train(str(training.folder)).metrics == training.metrics
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_one_process_writes(training: Training, tmp_path: Path):
    there = tmp_path / "begun"
    there.mkdir()
    for name in ("settings.toml", "architecture.json"):
        (there / name).write_bytes((training.folder / name).read_bytes())
    with FileLock(there / "training.lock"), pytest.raises(RunFolderError, match="in use"):
        nasir.train(str(there))


def test_a_diverging_loss_is_reported(tmp_path: Path):
    with pytest.raises(EvaluationError, match=r"the loss is (nan|inf) at step \d+: a lower lr"):
        toy_trained.trained(tmp_path, "evaluator.lr=1e30", "evaluator.optimizer=sgd")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["architecture=nobody"], "unknown reference architecture 'nobody'"),
        (["architecture="], "has no value"),
        (["seed=1"], "say what to train: architecture=NAME"),
        (["architecture=deep_image_prior", "strategy=rl"], "unknown setting 'strategy'"),
        (["architecture=deep_image_prior", "seed=1,2"], "wants one value here, got several"),
        (["architecture=deep_image_prior", "evaluator=dip"], "evaluator=dip trains no network"),
        (["architecture=deep_image_prior", "task=factorize"], "has no pairs to train on"),
        (["architecture=deep_image_prior", "validation=1"], "validation"),
        (["architecture={toy}", "space=nasdip"], "space cannot be set here: .* has its own space"),
        (["architecture={toy}", "evaluator.patch=999"], "evaluator.patch=999 is larger"),
        (["architecture={toy}", "images=nowhere"], "nowhere"),
        (["architecture={toy}", "evaluator.start=nobody"], "there are no weights in .*nobody"),
        (["evaluator.start=nobody"], "unknown network 'nobody'"),
        (["{toy}"], "neither key=value"),
        (["{folder}", "seed=1"], "continued as it was started"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_a_folder_is_made(words, message, tmp_path: Path):
    toy = toy_trained.described(tmp_path)
    given = [word.format(toy=toy, folder=tmp_path) for word in words]
    with pytest.raises(NasirError, match=message) as caught:
        nasir.train(*given, output=tmp_path / "new")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_an_output_that_exists_is_refused(training: Training, tmp_path: Path):
    with pytest.raises(RunFolderError, match="exists: choose another with output=FOLDER"):
        nasir.train(*toy_trained.words(tmp_path), output=training.folder)


def copied(training: Training, folder: Path) -> Training:
    there = folder / "copy"
    there.mkdir()
    for path in training.folder.glob("*.*"):
        (there / path.name).write_bytes(path.read_bytes())
    return Training(there)


def test_damaged_weights_are_refused(training: Training, tmp_path: Path):
    copy = copied(training, tmp_path)
    weights = copy.folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    images = training.settings["task"]["test_images"]
    for use in (copy.network, lambda: evaluate(f"architecture={copy.folder}", images=images)):
        with pytest.raises(SettingsError, match="damaged"):
            use()


def test_weights_of_another_architecture_are_refused(training: Training, tmp_path: Path):
    copy = copied(training, tmp_path)
    save_file({"weight": torch.zeros(1, 1, 5, 5), "bias": torch.zeros(1)}, copy.weights)
    with pytest.raises(SettingsError, match="of another network, which differs in weight"):
        copy.network()


def test_missing_weights_are_refused_with_the_command_to_continue(
    training: Training, tmp_path: Path
):
    copy = copied(training, tmp_path)
    copy.weights.unlink()
    with pytest.raises(SettingsError, match="has no weights yet: continue it with: nasir train"):
        copy.network()


@pytest.mark.parametrize("content", ["[]", '{"space": "toy", "choices": {}}', "no JSON"])
def test_a_damaged_description_is_refused(content: str, training: Training, tmp_path: Path):
    copy = copied(training, tmp_path)
    (copy.folder / "architecture.json").write_text(content)
    with pytest.raises(NasirError):
        copy.network()


def test_a_folder_that_is_no_training_is_refused(tmp_path: Path):
    assert not is_training(tmp_path)
    with pytest.raises(RunFolderError, match="is no training's folder"):
        TrainingFolder(tmp_path)
    with pytest.raises(RunFolderError, match="is no training's folder"):
        nasir.train(str(tmp_path))


def test_the_averaged_weights_are_kept(training: Training, tmp_path: Path):
    other = toy_trained.trained(tmp_path, "evaluator.ema=0")
    ours, last = (load_file(one.weights) for one in (training, other))
    assert ours.keys() == last.keys()
    assert not torch.equal(ours["weight"], last["weight"])


# Trained weights at work


def test_evaluate_takes_trained_weights_and_the_task_they_are_for(training: Training):
    task = training.settings["task"]
    (result,) = evaluate(f"architecture={training.folder}", images=task["test_images"])
    assert result.metrics["psnr"] == training.metrics["psnr"]
    assert result.metrics["steps"] == 0
    assert {*result.by_picture} == {"d", "e"}


def test_evaluate_in_patches_and_with_the_ensemble_restores_otherwise(training: Training):
    pictures = training.settings["task"]["test_images"]
    given = (f"architecture={training.folder}", "task.clip_restored=false", "task.quantise=false")
    found = [
        evaluate(*given, *more, images=pictures)[0].metrics["psnr"]
        for more in ((), ("evaluator.tile=11",), ("evaluator.ensemble=true",))
    ]
    assert len({*found}) == 3
    assert max(found) - min(found) < 3


def test_evaluate_can_fit_the_architecture_of_a_training_as_well(training: Training):
    given = (f"architecture={training.folder}", "evaluator=dip", "evaluator.iterations=1")
    (result,) = evaluate(*given, images=training.settings["task"]["test_images"][0])
    assert result.error is None
    assert result.metrics["psnr"] != training.metrics["psnr"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "task.color=rgb",
            "was trained for grey pictures, here are colour pictures.*give grey pictures",
        ),
        ("task=sr task.scale=2", "here are grey pictures x2: choose a task of scale 1"),
        ("space.width=4", "space cannot be set here"),
    ],
)
def test_evaluate_refuses_what_was_not_trained_for(words: str, message: str, training: Training):
    pictures = training.settings["task"]["test_images"]
    with pytest.raises(NasirError, match=message):
        evaluate(f"architecture={training.folder}", *words.split(), images=pictures)


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    path = tmp_path / "noisy.png"
    values = np.random.default_rng(0).integers(0, 256, (150, 110), np.uint8)
    Image.fromarray(values).save(path)
    return path


@pytest.mark.parametrize("tile", [0, 64])
def test_restore_is_what_the_network_makes_of_the_picture(tile: int, training, noisy: Path):
    done = nasir.restore(noisy, f"architecture={training.folder}", f"tile={tile}", "threads=1")
    x = torch.from_numpy(np.asarray(Image.open(noisy)) / np.float32(255))[None, None]
    with torch.no_grad():
        made = training.network()(x)[0, 0].clamp(0, 1).numpy()
    assert done.stops == ()
    # tiles overlap by 8 pixels, and a convolution of 3 x 3 errs in the outermost one only
    inner = np.abs(done.picture[..., 0] - made) < (1e-6 if tile == 0 else 0.15)
    assert inner.all()
    saved = np.asarray(Image.open(done.output))
    np.testing.assert_array_equal(saved, np.rint(done.picture[..., 0] * 255))
    assert json.loads((training.folder / "architecture.json").read_text())["space"] == "toy"


def test_restore_with_the_ensemble_commutes_with_flips(training: Training, noisy: Path):
    words = (f"architecture={training.folder}", "evaluator.ensemble=true", "threads=1")
    done = nasir.restore(noisy, *words)
    flipped = noisy.with_name("flipped.png")
    Image.open(noisy).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(flipped)
    again = nasir.restore(flipped, *words)
    np.testing.assert_allclose(again.picture[:, ::-1], done.picture, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("task.color=rgb", "was trained for grey pictures, here are colour pictures"),
        ("evaluator.iterations=9", "evaluator.iterations cannot be set"),
        ("space=toy", "space cannot be set"),
        ("task=sr task.scale=2", "choose a task of scale 1"),
        ("strategy=rl", "strategy is for architecture=auto only"),
    ],
)
def test_restore_refuses_what_a_trained_network_cannot(words, message, training, noisy: Path):
    with pytest.raises(SettingsError, match=message):
        nasir.restore(noisy, f"architecture={training.folder}", *words.split())
    assert not noisy.with_name("noisy-restored.png").exists()


# The curve


def test_the_curve_forgets_what_is_done_again_and_a_line_that_is_cut_off(tmp_path: Path):
    path = tmp_path / "training.csv"
    first = Curve(path)
    for step in (10, 20, 30):
        first.add(step, 1 / step, step / 7 if step == 20 else None)
    path.write_text(path.read_text() + "40,0.02")
    again = Curve(path)
    again.add(30, 1 / 30, None)
    assert again.rows == [(10, 0.1, None), (20, 0.05, 20 / 7), (30, 1 / 30, None)]
    assert Curve(path).rows == again.rows
