"""Every fitting method keeps the contract: those of nasir, and a stranger's of a few lines."""

from __future__ import annotations

import pytest
from toy_plugin import ToyFit

from nasir.core.errors import PictureError, SettingsError
from nasir.core.evaluator import Problem
from nasir.core.trial import FULL
from nasir.fitting.dip import DeepImagePrior
from nasir.search_spaces.nasdip.space import NasDip
from nasir.testing import FittingMethodContract
from nasir.testing.fitting import NoisyRamp


class TestDeepImagePrior(FittingMethodContract):
    def make(self) -> DeepImagePrior:
        return DeepImagePrior(iterations=5, stops=3, check_every=2, device="cpu")


class TestDeepImagePriorWithAFixedStop(FittingMethodContract):
    def make(self) -> DeepImagePrior:
        return DeepImagePrior(iterations=5, stop="fixed", rollback=0, device="cpu")


class TestDeepImagePriorThatStopsByItself(FittingMethodContract):
    def make(self) -> DeepImagePrior:
        return DeepImagePrior(iterations=6, stop="emv", patience=3, device="cpu")


class TestToyFit(FittingMethodContract):
    def make(self) -> ToyFit:
        return ToyFit(steps=4, device="cpu")


def _problem(method: DeepImagePrior, task: NoisyRamp, depth: int = 1) -> Problem:
    return Problem(NasDip(depth=depth, width=4, input_channels=4), task, {FULL: method})


def test_a_space_too_deep_for_the_picture_is_refused_before_the_first_trial() -> None:
    problem = _problem(DeepImagePrior(iterations=1), NoisyRamp(), depth=6)
    with pytest.raises(PictureError, match="20 x 20 pixels, the space needs 32 x 32"):
        problem.check()


def test_a_search_without_ground_truth_is_refused_before_the_first_trial() -> None:
    problem = _problem(DeepImagePrior(iterations=1), NoisyRamp(known=False))
    with pytest.raises(SettingsError, match="ramp-search has no ground truth"):
        problem.check()
