"""Several fits at once, on stacked weights."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from made_tasks import denoise, inpaint, super_resolution
from torch import Tensor, nn

from nasir.core.errors import EvaluationError
from nasir.core.evaluator import Evaluation, Problem
from nasir.core.hints import Hints, give
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.task import Split, Task
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.evaluation import evaluate_trial
from nasir.fitting import room
from nasir.fitting.descent import Descent
from nasir.fitting.dip import DeepImagePrior
from nasir.fitting.fit import Fit, PreparedFit
from nasir.fitting.together import Together
from nasir.search_spaces.nasdip.space import NasDip

TASKS: dict[str, Task] = {
    "denoise": denoise(size=16, color="grey", search=3),
    "inpaint": inpaint(size=16, color="grey", search=3),
    "sr": super_resolution(size=16, scale=2, color="grey", search=3),
}
SPACE = NasDip(depth=1, width=4, input_channels=4)
STEPS = 8
TOLERANCE = 1e-4
"""Of pixels in [0, 1] after so few steps; roundings grow with the steps, as on other machines."""


def dip(together: str = "always", **settings: Any) -> DeepImagePrior:
    usual = {"iterations": STEPS, "device": "cpu", "stop": "fixed", "together": together}
    return DeepImagePrior(**usual | settings)


def evaluated(
    method: DeepImagePrior,
    task: Task = TASKS["denoise"],
    split: Split = "search",
    space: SearchSpace = SPACE,
    fidelity: float = 1.0,
    folder: Path | None = None,
    artifacts: bool = True,
    timed: bool = False,
) -> Evaluation:
    problem = Problem(
        space, task, {FULL: method}, split=split, artifacts=artifacts, checkpoints=folder
    )
    problem = attrs.evolve(problem, timed=timed)
    architecture = space.domain.sample(np.random.default_rng(3))
    return method.evaluate(Proposal(architecture, fidelity=fidelity), problem, 1)


def pixels(evaluation: Evaluation) -> dict[str, Any]:
    return {name: one.restored for name, one in evaluation.restored.items()}


def assert_close(first: Evaluation, second: Evaluation) -> None:
    """The pictures and the weights that make them, but for roundings."""
    assert first.weights.keys() == second.weights.keys()
    assert pixels(first).keys() == pixels(second).keys()
    for name, picture in pixels(first).items():
        assert np.allclose(picture, pixels(second)[name], atol=TOLERANCE)
    for name in first.weights:
        if "running_var" in name:  # means move with biases that normalisation takes away again
            assert np.allclose(first.weights[name], second.weights[name], rtol=1e-3, atol=1e-5)


def assert_same(first: Evaluation, second: Evaluation) -> None:
    assert (first.score, first.metrics) == (second.score, second.metrics)
    for name, picture in pixels(first).items():
        assert np.array_equal(picture, pixels(second)[name])


def test_fits_at_once_have_equal_shares_of_the_seconds() -> None:
    started = time.perf_counter()
    made = evaluated(dip(iterations=1), timed=True)
    passed = time.perf_counter() - started
    seconds = [one["seconds"] for one in made.costs.values()]
    assert 0 < seconds[0] * 3 <= passed
    assert seconds == [seconds[0]] * 3


@pytest.mark.parametrize("task", TASKS)
def test_fits_at_once_come_to_what_each_comes_to_alone(task: str) -> None:
    assert_close(evaluated(dip(), TASKS[task]), evaluated(dip("never"), TASKS[task]))


@pytest.mark.parametrize(
    "settings",
    [
        {"stop": "wmv", "window": 3, "patience": 2},
        {"stop": "emv", "patience": 1, "burn_in": 0, "forgetting": 0.9},
        {"stop": "heldout", "patience": 2},
        {"stop": "plateau", "patience": 2, "rise": 0.8},
        {"stop": "oracle"},
        {"check_every": 1, "rollback": 0.01, "lr": 0.1, "iterations": 4},
        {"stop": "search", "stops": 4},
        {"total_variation": 0.5},
        {"weight_decay": 0.5},
    ],
    ids=lambda settings: settings.get("stop", "-".join(settings)),
)
def test_each_fit_stops_by_its_own_rule(settings: dict[str, Any]) -> None:
    together, alone = (evaluated(dip(how, **settings)) for how in ("always", "never"))
    for name in ("stopped_at", "iterations"):
        assert together.metrics.get(name) == alone.metrics.get(name)
    assert together.stop == alone.stop
    assert_close(together, alone)


def test_a_fit_does_not_depend_on_the_others() -> None:
    task = TASKS["denoise"]
    first, second, third = task.samples("search")

    @attrs.define(slots=False)
    class Some(type(task)):  # type: ignore[misc]
        chosen: tuple[Any, ...] = ()

        def samples(self, split: Split) -> Sequence[Any]:
            return self.chosen

    def restored(*chosen: Any) -> Any:
        some = Some(size=16, color="grey", chosen=chosen)
        return pixels(evaluated(dip(), some))[first.name]

    with_second = restored(first, second)
    assert np.allclose(with_second, restored(first, third), atol=TOLERANCE)
    assert np.allclose(with_second, restored(third, second, first), atol=TOLERANCE)


def test_each_fit_has_hints_of_its_own() -> None:
    task, settings = TASKS["denoise"], dip(input_noise=0.0, weight_decay=0.1).descent
    samples, x = task.samples("search"), torch.rand(1, 2, 16, 16)
    networks = [nn.Sequential(Hints(1), nn.Conv2d(3, 1, 3, padding=1)) for _ in samples]
    for network in networks:
        give(network, torch.rand(1, 1, 16, 16))
    copies = copy.deepcopy(networks)
    alone = [
        Descent(settings, network, x, task, sample, None)
        for network, sample in zip(networks, samples, strict=True)
    ]
    generators = [torch.Generator() for _ in samples]
    group = Together(settings, copies, [x] * 3, task, samples, [None] * 3, generators)
    for _ in range(3):
        outputs = [descent.advance() for descent in alone]
        group.advance()
    assert group.average is not None
    torch.testing.assert_close(group.average, torch.stack(outputs))
    assert not torch.allclose(outputs[0], outputs[1], atol=0.01)


def test_progress_counts_the_steps_of_all_fits() -> None:
    from nasir.core.progress import listening

    seen: list[tuple[int, int]] = []
    with listening(lambda done, total, figures: seen.append((done, total))):
        evaluated(dip())
    assert seen == [(15, 24), (24, 24)]


class TwoSizes(type(TASKS["denoise"])):  # type: ignore[misc]
    """Three pictures, of which the middle one is smaller."""

    def samples(self, split: Split) -> Sequence[Any]:
        first, second, third = super().samples(split)
        small = second.degraded[..., :12, :12], second.clean[..., :12, :12]
        return first, attrs.evolve(second, degraded=small[0], clean=small[1]), third


def sizes_at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows by the number of fits each time some are done at once."""
    tried: list[int] = []

    def noted(self: Any, fits: Sequence[PreparedFit], task: Task) -> list[Fit]:
        tried.append(len(fits))
        return fit_together(self, fits, task)

    fit_together = DeepImagePrior.fit_together
    monkeypatch.setattr(DeepImagePrior, "fit_together", noted)
    return tried


def test_pictures_of_one_size_are_fitted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from nasir.core.progress import listening

    tried, seen = sizes_at_once(monkeypatch), []
    task = TwoSizes(size=16, color="grey", search=3)
    with listening(lambda done, total, figures: seen.append((done, total))):
        together = evaluated(dip(), task)
    assert tried == [2]
    assert seen[-1] == (24, 24)
    assert_close(together, evaluated(dip("never"), task))


@pytest.mark.parametrize(("fits", "groups"), [(0.5, []), (2, [2]), (2.9, [2]), (3, [3])])
def test_as_many_fits_are_done_at_once_as_the_memory_has_room_for(
    fits: float, groups: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    architecture = SPACE.domain.sample(np.random.default_rng(3))
    network = SPACE.build(architecture, Signature(4, 1))
    one = room.held_bytes(network, (1, 4, 16, 16), "cpu")
    monkeypatch.setattr(room, "memory_of", lambda device: int(fits * one / room.SHARE) + 1)
    tried = sizes_at_once(monkeypatch)
    together = evaluated(dip(iterations=3))
    assert tried == groups
    assert_close(together, evaluated(dip("never", iterations=3)))


def test_a_fit_holds_what_its_gradients_need_and_copies_of_its_parameters() -> None:
    """A convolution keeps its input; batch normalisation its own, and two numbers a channel."""
    network = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))
    before = network[1].running_mean.clone()  # type: ignore[operator]
    floats = 2 * 64 + 3 * 64 + 2 * 3 + room.COPIES * (2 * 3 + 3 + 3 + 3)
    statistics = 2 * 3  # running ones, which a pass may keep, too
    held = room.held_bytes(network, (1, 2, 8, 8), "cpu") / 4
    assert floats <= held <= floats + statistics
    assert torch.equal(network[1].running_mean, before)  # type: ignore[arg-type]
    assert room.memory_of("cpu") is None


@pytest.mark.parametrize("settings", [{}, {"stop": "wmv", "window": 2, "patience": 30}])
def test_fits_at_once_continue_to_the_same_bits(settings: dict[str, Any], tmp_path: Path) -> None:
    whole = evaluated(dip(**settings))
    evaluated(dip(**settings), fidelity=0.5, folder=tmp_path, artifacts=False)
    assert len(list(tmp_path.glob("fit-*"))) == 3
    assert_same(evaluated(dip(**settings), folder=tmp_path), whole)
    assert not list(tmp_path.iterdir())


def test_fits_that_were_left_at_different_steps_go_on_one_after_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evaluated(dip(), fidelity=0.5, folder=tmp_path, artifacts=False)
    next(tmp_path.glob("fit-*")).unlink()
    with caplog.at_level(logging.INFO):
        evaluation = evaluated(dip(), folder=tmp_path)
    assert "one after another: they were left at different steps" in caplog.text
    assert_close(evaluation, evaluated(dip("never")))


class Reading(nn.Module):
    """Reads a value from the device in each pass."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) * (1.0 if x.sum().item() > 0 else 0.5)


@attrs.frozen
class ReadingSpace(NasDip):
    def build(self, architecture: Any, signature: Signature) -> nn.Module:
        return Reading()


def test_a_network_that_cannot_be_mapped_is_fitted_to_one_picture_after_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    space = ReadingSpace(depth=1, width=4, input_channels=4)
    with caplog.at_level(logging.INFO):
        together = evaluated(dip(), space=space)
    lines = [r.getMessage() for r in caplog.records if "one after another" in r.getMessage()]
    assert len(lines) == 1
    assert ".item()" in lines[0]
    assert_same(together, evaluated(dip("never"), space=space))


class ReadingTask(type(TASKS["denoise"])):  # type: ignore[misc]
    """A stranger's loss that reads a value in each step."""

    def loss(self, output: Tensor, sample: Any) -> Tensor:
        loss: Tensor = super().loss(output, sample)
        return loss * (2.0 if loss.item() > 1 else 1.0)


def test_a_loss_that_reads_a_value_does_not_keep_fits_apart() -> None:
    """It is computed outside the map over the networks."""
    task = ReadingTask(size=16, color="grey", search=2)
    assert_close(evaluated(dip(), task), evaluated(dip("never"), task))


def test_a_fit_that_the_memory_is_too_small_for_is_a_failed_trial_that_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none(*args: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    for name in ("fit", "fit_together"):
        monkeypatch.setattr(DeepImagePrior, name, none)
    problem = Problem(SPACE, TASKS["denoise"], {FULL: dip()})
    architecture = SPACE.domain.sample(np.random.default_rng(3))
    outcome = evaluate_trial(Trial(0, Proposal(architecture), 1), problem, 1)
    assert outcome.failure == "memory"
    assert outcome.trial.reason.startswith("out of memory: take smaller pictures")


def test_where_the_memory_is_too_small_half_of_the_fits_are_done_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[int] = []

    def small(self: Any, fits: Sequence[PreparedFit], task: Task) -> list[Fit]:
        tried.append(len(fits))
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(DeepImagePrior, "fit_together", small)
    task = denoise(size=16, color="grey", search=0)
    assert len(task.samples("search")) == 4
    together = evaluated(dip(), task)
    assert tried == [4, 2, 2]
    assert_same(together, evaluated(dip("never"), task))


def test_a_fit_whose_loss_is_not_finite_fails_with_its_step() -> None:
    with pytest.raises(EvaluationError, match="at step 2"):
        evaluated(dip(lr=1e30))


def test_on_a_cpu_one_picture_is_fitted_after_another_by_default() -> None:
    assert not dip("auto").fits_together
