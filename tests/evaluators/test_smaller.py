"""What each evaluator does for another try of what ran out of memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
from toy_training import Small, Waves

from nasir.core.evaluator import Evaluator, Problem
from nasir.core.registry import registries
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.evaluation import evaluate_trial
from nasir.settings import building
from nasir.strategies.combining.parts import PartEvaluator


def sizes(evaluator: Evaluator | None) -> list[tuple[int | None, str | None]]:
    """Batch and device of an evaluator and of those that are ever smaller."""
    found = []
    while evaluator is not None:
        found.append((getattr(evaluator, "batch", None), getattr(evaluator, "device", None)))
        evaluator = evaluator.smaller()
    return found


def made(name: str, **settings: Any) -> Evaluator:
    evaluator: Evaluator = building.make("evaluator", {"name": name, **settings})
    return evaluator


@pytest.mark.parametrize("name", ["train", "shared", "cyclegan"])
def test_one_with_a_batch_halves_it_down_to_one_and_then_leaves_the_gpu(name: str):
    on_gpu = made(name, batch=5, device="cuda")
    assert sizes(on_gpu) == [(5, "cuda"), (2, "cuda"), (1, "cuda"), (1, "cpu")]
    assert sizes(made(name, batch=2, device="cpu")) == [(2, "cpu"), (1, "cpu")]


@pytest.mark.parametrize("name", ["dip", "proxy"])
def test_one_without_a_batch_leaves_the_gpu(name: str):
    assert sizes(made(name, device="cuda:0")) == [(None, "cuda:0"), (None, "cpu")]
    assert sizes(made(name, device="cpu")) == [(None, "cpu")]


@pytest.mark.parametrize(
    ("name", "settings"), [("train", {"weights": "w.safetensors"}), ("shared", {"calibration": 0})]
)
def test_a_batch_that_is_not_used_is_not_halved_in_vain(name: str, settings: dict[str, Any]):
    assert sizes(made(name, batch=4, device="cuda", **settings)) == [(4, "cuda"), (4, "cpu")]


@pytest.mark.parametrize("there_is", [False, True])
def test_auto_is_a_gpu_where_there_is_one(there_is: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there_is)
    assert sizes(made("dip")) == [(None, "auto"), *([(None, "cpu")] if there_is else [])]


def test_nothing_else_is_changed():
    evaluator: Any = made("train", batch=8, lr=0.02, loss="l1", device="cpu")
    assert evaluator.smaller() == attrs.evolve(evaluator, batch=4)


def test_every_evaluator_is_asked_without_an_error():
    """What it looks up is tried again as it is."""
    assert made("table").smaller() is None
    for name in registries["evaluator"]:
        made(name).smaller()


@pytest.mark.parametrize("name", ["darts", "spos"])
def test_epochs_of_a_supernet_are_tried_again_as_they_are(name: str):
    strategy = building.make("strategy", name)
    stages = strategy.stages(made("train"))
    assert stages
    assert [stage.smaller() for stage in stages.values()] == [None] * len(stages)


def test_the_evaluator_of_a_held_strategy_is_made_smaller_too():
    held = PartEvaluator(made("train", batch=4, device="cpu"), FULL, 1)
    assert held.smaller() == PartEvaluator(made("train", batch=2, device="cpu"), FULL, 1)
    assert PartEvaluator(made("table"), FULL, 0).smaller() is None


def trained(batch: int, smaller: int, place: Path) -> dict[str, float]:
    """The metrics of a training with so large a batch, made so many times smaller."""
    small = {"iterations": 6, "patch": 8, "device": "cpu", "precision": "float32"}
    problem = Problem(Small(), Waves(), {FULL: made("train", batch=batch, **small)})
    problem = attrs.evolve(problem, checkpoints=place)
    trial = Trial(0, Proposal(Small().domain.architecture({"width": 3})), 1)
    return dict(evaluate_trial(trial, problem, 1, smaller).trial.metrics)


def test_a_smaller_training_is_one_with_half_the_batch_and_says_so(tmp_path: Path):
    half = trained(2, 0, tmp_path)
    assert trained(4, 1, tmp_path) == half | {"smaller": 1.0}
    assert trained(4, 9, tmp_path) == trained(1, 0, tmp_path) | {"smaller": 2.0}
    assert trained(4, 0, tmp_path)["train_loss"] != half["train_loss"]
