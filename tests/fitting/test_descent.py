"""Steps of a fit that do not wait for the device."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from made_tasks import denoise
from torch import Tensor

from nasir.core.errors import EvaluationError, SettingsError
from nasir.core.evaluator import Evaluation, Problem
from nasir.core.progress import listening
from nasir.core.trial import FULL, Proposal
from nasir.fitting import descent
from nasir.fitting.collapse import Guard
from nasir.fitting.dip import DeepImagePrior
from nasir.fitting.fit import FitLimits, FitRequest
from nasir.fitting.fits import best_stop
from nasir.fitting.stopping import StoppingRule
from nasir.search_spaces.nasdip.space import NasDip
from nasir.tasks.denoise import Denoise
from nasir.training.inspected import Losses

SPACE = NasDip(depth=1, width=4, input_channels=4)
WAYS: dict[str, dict[str, Any]] = {
    "search": {"stops": 6},
    "wmv": {"stop": "wmv", "window": 3, "patience": 4},
    "emv": {"stop": "emv", "patience": 2, "forgetting": 0.5},
    "heldout": {"stop": "heldout", "patience": 3},
    "plateau": {"stop": "plateau", "patience": 3},
    "collapse": {"stop": "fixed", "lr": 0.5, "check_every": 4, "rollback": 0.1},
}


def evaluated(method: DeepImagePrior, task: Denoise | None = None) -> Evaluation:
    task = task or denoise(size=16, color="grey", search=1)
    problem = Problem(SPACE, task, {FULL: method}, artifacts=True)
    proposal = Proposal(SPACE.domain.sample(np.random.default_rng(3)))
    return method.evaluate(proposal, problem, 1)


def dip(**settings: Any) -> DeepImagePrior:
    return DeepImagePrior(**{"iterations": 20, "device": "cpu"} | settings)


@pytest.mark.parametrize("way", WAYS)
def test_losses_that_are_seldom_inspected_give_the_same_fit(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = evaluated(dip(**WAYS[way]))
    monkeypatch.setattr(descent, "LOOK_EVERY", 7)
    seldom = evaluated(dip(**WAYS[way]))
    assert seldom.score == each.score
    assert seldom.metrics == each.metrics
    assert seldom.weights.keys() == each.weights.keys()
    for name, value in each.weights.items():
        assert np.array_equal(value, seldom.weights[name])


@pytest.mark.parametrize("every", [1, 7, 50])
def test_a_loss_that_is_not_finite_is_reported_with_its_step(
    every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descent, "LOOK_EVERY", every)

    @attrs.define(slots=False)
    class Breaking(Denoise):
        left: int = 5

        def loss(self, output: Tensor, sample: Any) -> Tensor:
            self.left -= 1
            return super().loss(output, sample) * (math.nan if self.left < 0 else 1)

    with pytest.raises(EvaluationError, match="the loss is nan at step 6"):
        evaluated(dip(stop="fixed"), Breaking(size=16, color="grey", search=1))


@pytest.mark.parametrize(("every", "steps"), [(1, [5, 10, 12]), (5, [5, 10, 12]), (50, [12])])
def test_progress_is_reported_where_losses_are_inspected(
    every: int, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descent, "LOOK_EVERY", every)
    seen: list[int] = []
    with listening(lambda done, total, figures: seen.append(done)):
        evaluated(dip(iterations=12, stop="fixed"))
    assert seen == steps


def test_losses_are_inspected_every_so_many_steps() -> None:
    losses = Losses(3)
    for step in range(1, 8):
        losses.add(step, torch.tensor(float(step)))
        assert losses.seen == step // 3 * 3
    losses.look()
    assert (losses.seen, losses.last) == (7, [7.0])


def test_stacked_fits_collapse_each_by_itself() -> None:
    parameter = torch.zeros(2, 3)
    guard = Guard([parameter], decibels=10, every=1)
    guard.watch(1, torch.tensor([1.0, 1.0]))
    parameter += 1
    guard.watch(2, torch.tensor([11.0, 9.0]))  # 10 dB is a factor of 10
    assert parameter.tolist() == [[0.0] * 3, [1.0] * 3]


def test_a_rule_waits_for_the_device_only_where_it_may_end_the_fit() -> None:
    class Falling(StoppingRule):
        reads = 0

        def measure(self, output: Tensor, average: Tensor) -> Tensor:
            return output.sum()

        def _last_minimum(self) -> int:
            self.reads += 1
            return super()._last_minimum()

    rule = Falling(10)
    ended = [
        rule.watch(step, torch.tensor([float(max(-step, -95))]), torch.zeros(1))
        for step in range(1, 106)
    ]
    assert ended.index(True) == 104  # step 105, ten after the last minimum
    assert rule.reads <= 12


def test_capture_that_must_be_wants_a_gpu() -> None:
    method = dip(capture="always")
    with pytest.raises(SettingsError, match="capture=always wants a GPU"):
        method.check(Problem(SPACE, denoise(size=16, color="grey"), {FULL: method}))


@pytest.mark.parametrize(
    ("step", "ended", "end"), [(10, False, 20), (10, True, 10), (4, False, 10), (23, False, 33)]
)
def test_a_fit_is_extended_where_all_its_steps_are_done_and_no_rule_has_ended_it(
    step: int, ended: bool, end: int
) -> None:
    done: Any = SimpleNamespace(step=step, ended=ended)
    request = FitRequest((1, 1, 4, 4), limits=FitLimits(extends=True))
    assert descent._end(done, 10, request) == end


@pytest.mark.parametrize(
    ("points", "fidelity", "marks"),
    [(1, 1.0, [100]), (4, 1.0, [25, 50, 75, 100]), (4, 0.6, [25, 50, 60]), (3, 0.005, [1])],
)
def test_outputs_are_wanted_at_the_same_steps_of_a_shorter_fit(
    points: int, fidelity: float, marks: list[int]
) -> None:
    assert FitRequest((1, 1, 4, 4), fidelity, points).marks(100) == marks


@pytest.mark.parametrize(
    ("qualities", "place"),
    [
        ([[20.0, 24.0, 22.0], [21.0, 22.0, 25.0]], 2),  # means 20.5, 23, 23.5
        ([[20.0, 24.0, 20.0], [21.0, 22.0, 25.0]], 1),
        ([[20.0, 24.0], [21.0]], -1),  # each has stopped by itself
        ([[math.nan, math.nan, math.nan]], -1),  # the task measures no PSNR
        ([[math.nan, 24.0, 22.0]], -1),
    ],
)
def test_a_search_stops_where_its_pictures_are_best_in_the_mean(
    qualities: list[list[float]], place: int
) -> None:
    fits: Any = [SimpleNamespace(quality=one) for one in qualities]
    assert best_stop(fits) == place
