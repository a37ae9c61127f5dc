from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from killed import KILLED, die, exit_code, needs_forks, one_thread
from safetensors.numpy import save_file
from toy_training import Small, Waves, wave

from nasir.core.errors import EvaluationError, NasirError, PictureError, SettingsError
from nasir.core.evaluator import Evaluation, Problem
from nasir.core.metrics import psnr
from nasir.core.progress import listening
from nasir.core.search_space import SearchSpace
from nasir.core.seeds import derived_seed
from nasir.core.task import Task
from nasir.core.trial import FULL, Proposal
from nasir.evaluators.train import Train
from nasir.search_spaces.nasdip.space import NasDip
from nasir.settings import building
from nasir.tasks.dehaze import Dehaze
from nasir.testing import EvaluatorContract
from nasir.training.division import divided
from nasir.training.trainer import train

SPACE = Small()
PROPOSAL = Proposal(SPACE.domain.architecture({"width": 3}))


def evaluator(**settings: Any) -> Train:
    small = {"iterations": 12, "batch": 2, "patch": 12, "device": "cpu", "lr": 0.01}
    return Train(**small | {"checkpoint_every": 1e-9} | settings)


def problem(task: Task | None = None, space: SearchSpace = SPACE, **settings: Any) -> Problem:
    return Problem(space, task or Waves(), {FULL: evaluator(**settings)}, seed=0)


def evaluate(of: Problem, proposal: Proposal = PROPOSAL, seed: int = 1) -> Evaluation:
    return of.evaluator(FULL).evaluate(proposal, of, seed)


class TestTrain(EvaluatorContract):
    def make(self) -> Train:
        return evaluator()

    def problem(self, evaluator: Train) -> Problem:
        return Problem(SPACE, Waves(), {FULL: evaluator}, seed=0)


class TestTrainOnTwiceTheSize(TestTrain):
    def make(self) -> Train:
        return evaluator(loss="l1+0.5*log_ssim", ema=0.9, tile=8, ensemble=True, optimizer="sgd")

    def problem(self, evaluator: Train) -> Problem:
        return Problem(SPACE, Waves(scale=2), {FULL: evaluator}, seed=0)


def heard_pictures(of: Problem, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pictures that a trial learns from."""
    heard: list[str] = []

    def listened(network, patches, *rest, **more):  # type: ignore[no-untyped-def]
        heard.extend(patches.names)
        return train(network, patches, *rest, **more)

    monkeypatch.setattr("nasir.training.trainer.train", listened)
    evaluate(of)
    return heard


def test_a_search_learns_from_one_part_and_is_evaluated_on_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = Waves(pictures=10)
    of = problem(task, validation=0.3)
    kept, learnt = divided(task.patches(), (0.3, 0.7), derived_seed(0, "validation"))
    assert heard_pictures(of, monkeypatch) == list(learnt.names)
    asked = of.keeping(artifacts=True)
    evaluation = evaluate(asked)
    assert list(evaluation.restored) == list(evaluation.by_picture) == list(kept.names)
    kinds = {"clean", "degraded", "restored"}
    assert all(set(picture.kinds) == kinds for picture in evaluation.restored.values())
    assert len(kept.names) == 3


def test_the_test_split_learns_from_all_training_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(heard_pictures(problem().for_test(), monkeypatch)) == 6


def test_the_score_is_the_psnr_of_the_restored_pictures() -> None:
    for of in (problem().keeping(artifacts=True), problem().for_test()):
        evaluation = evaluate(of)
        decibels = [
            -10 * np.log10(((one.restored.astype(float) - one.clean) ** 2).mean())
            for one in evaluation.restored.values()
        ]
        assert evaluation.score == pytest.approx(np.mean(decibels), abs=1e-4)


def test_a_test_reports_each_picture_and_the_degraded_ones() -> None:
    evaluation = evaluate(problem().for_test())
    metrics = evaluation.metrics
    sample = wave("test-wave", 1, 0.1)
    assert sample.clean is not None
    assert metrics["degraded_psnr"] == psnr(sample.degraded, sample.clean)
    assert evaluation.by_picture["test-wave"]["psnr"] == metrics["psnr"]
    assert metrics["parameters"] == 3 * 9 + 3 + 6 + 3 * 9 + 1
    assert metrics["steps"] == 12


def test_training_longer_restores_better_than_nothing() -> None:
    of = problem(Waves(sigma=0.3), iterations=200, patch=16)
    metrics = evaluate(of.for_test()).metrics
    assert metrics["psnr"] > metrics["degraded_psnr"] + 2


def test_without_ground_truth_the_training_loss_is_the_score() -> None:
    evaluation = evaluate(problem(Waves(known=False)).for_test())
    assert evaluation.score == -evaluation.metrics["train_loss"]
    assert "psnr" not in evaluation.metrics


def test_a_low_fidelity_is_a_shorter_training_of_its_own() -> None:
    half = evaluate(problem(), attrs.evolve(PROPOSAL, fidelity=0.5))
    assert half.metrics["steps"] == 6
    assert half.score == evaluate(problem(iterations=6)).score


def test_kept_weights_are_evaluated_alike_without_training(tmp_path: Path) -> None:
    of = problem(ema=0.5).for_test()
    evaluation = evaluate(of)
    save_file(dict(evaluation.weights), tmp_path / "weights.safetensors")
    again = evaluate(problem(weights=str(tmp_path)).for_test(), seed=5)
    assert again.score == evaluation.score
    assert again.metrics["steps"] == 0


def test_a_crop_is_what_a_search_is_evaluated_on() -> None:
    restored = evaluate(problem(crop=16).keeping(artifacts=True)).restored
    shapes = {array.shape for one in restored.values() for array in one.kinds.values()}
    assert shapes == {(16, 16, 1)}


def test_the_steps_are_reported() -> None:
    heard: list[tuple[int, int]] = []
    with listening(lambda done, total, figures: heard.append((done, total))):
        evaluate(problem())
    assert heard == [(10, 12), (12, 12)]


def test_a_diverging_training_is_a_failed_trial(tmp_path: Path) -> None:
    of = attrs.evolve(problem(optimizer="sgd", lr=1e30, schedule="constant"), checkpoints=tmp_path)
    with pytest.raises(EvaluationError, match=r"the loss is (nan|inf) at step .*: a lower lr"):
        evaluate(of)
    assert list(tmp_path.iterdir()) == []


def interrupted(of: Problem, step: int) -> None:
    def listener(done: int, total: int, figures: dict[str, float]) -> None:
        if done >= step:
            raise KeyboardInterrupt

    with listening(listener), pytest.raises(KeyboardInterrupt):
        evaluate(of)


def figures(evaluation: Evaluation) -> dict[str, Any]:
    pictures = {name: one.restored.tobytes() for name, one in evaluation.restored.items()}
    weights = {name: value.tobytes() for name, value in evaluation.weights.items()}
    return {"score": evaluation.score, **evaluation.metrics, **pictures, **weights}


def test_an_interrupted_trial_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    of = attrs.evolve(problem(iterations=40, ema=0.9).for_test(), checkpoints=tmp_path)
    interrupted(of, step=20)
    assert len(list(tmp_path.iterdir())) == 1
    heard: list[int] = []
    with listening(lambda done, total, figures: heard.append(done)):
        resumed = evaluate(of)
    assert heard == [20, 30, 40]
    assert figures(resumed) == figures(evaluate(attrs.evolve(of, checkpoints=None)))
    assert list(tmp_path.iterdir()) == []


def test_a_trial_of_another_task_is_not_gone_on_from(tmp_path: Path) -> None:
    of = attrs.evolve(problem(iterations=40), checkpoints=tmp_path)
    interrupted(of, step=20)
    other = attrs.evolve(of, task=Waves(sigma=0.2))
    heard: list[int] = []
    with listening(lambda done, total, figures: heard.append(done)):
        evaluate(other)
    assert heard == [10, 20, 30, 40]


@needs_forks
def test_a_killed_trial_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    of = attrs.evolve(problem(iterations=60), checkpoints=tmp_path)

    def killed() -> None:
        with listening(lambda done, total, figures: die() if done >= 30 else None):
            evaluate(of)

    with one_thread():
        assert exit_code(killed) == KILLED
        heard: list[int] = []
        with listening(lambda done, total, figures: heard.append(done)):
            resumed = evaluate(of)
        assert heard[0] == 30
        assert figures(resumed) == figures(evaluate(attrs.evolve(of, checkpoints=None)))


@pytest.mark.parametrize(
    ("task", "settings", "message"),
    [
        (Waves(), {"patch": 21}, "patch=21 is larger than the smallest training picture: take 20"),
        (Waves(), {"patch": 10, "loss": "log_ssim"}, "patch=10 is too small for log_ssim"),
        (Waves(scale=2), {"patch": 5, "loss": "log_ssim"}, r"11 x 11 pixels: take 6 or more"),
        (Waves(pictures=1), {}, "1 pictures cannot be divided into 2 parts"),
        (Waves(), {"weights": "/no/where"}, "there are no weights in /no/where"),
        (Waves(), {"device": "cuda:99"}, "evaluator.device='cuda:99'"),
        (Dehaze(size=20), {}, "has no pairs to train on: take an evaluator that fits"),
    ],
)
def test_what_can_never_be_evaluated_is_refused_before_the_first_trial(
    task: Task, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(NasirError, match=message) as caught:
        problem(task, **settings).check()
    assert "\n" not in str(caught.value)


def test_a_space_without_the_task_s_scale_is_refused_before_the_first_trial() -> None:
    of = problem(Waves(scale=2), Small(shuffles=False))
    with pytest.raises(
        SettingsError, match="of 12 x 12 pixels for 12 x 12, the task wants 1 of 24"
    ):
        of.check()


def test_a_picture_too_small_for_the_space_is_refused_before_the_first_trial() -> None:
    with pytest.raises(PictureError, match="20 x 26 pixels, the space needs 32 x 32"):
        problem(space=NasDip(depth=6, width=4)).check()


@pytest.mark.parametrize(("name", "side"), [("patch", 7), ("tile", 7)])
def test_patches_too_small_for_the_space_are_refused(name: str, side: int) -> None:
    of = problem(space=NasDip(depth=3, width=4), **{name: side})
    with pytest.raises(SettingsError, match=f"evaluator.{name}=7 .*networks: take 16 or more"):
        of.check()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "mse+0.6*log_sim"}, "unknown loss 'log_sim': did you mean 'log_ssim'"),
        ({"optimizer": "lion"}, "optimizer"),
        ({"betas": [0.5, 1.0]}, r"'betas' must be two numbers in \[0, 1\)"),
        ({"betas": [0.5]}, "two numbers"),
        ({"lr": 0.0}, "lr"),
        ({"validation": 1.0}, "validation"),
        ({"checkpoint_every": 0.0}, "checkpoint_every"),
        ({"precision": "float8"}, "precision"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        building.structure(Train, settings, "evaluator")


def test_a_search_whose_steps_must_be_captured_is_refused_on_a_cpu() -> None:
    with pytest.raises(SettingsError, match=r"capture=always.*device cpu") as refused:
        problem(capture="always").check()
    assert "\n" not in str(refused.value)
