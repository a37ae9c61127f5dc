from __future__ import annotations

import attrs
import pytest

from nasir.core.errors import PictureError, SettingsError
from nasir.core.evaluator import Problem
from nasir.core.search_space import Signature
from nasir.core.task import Sample, Split, Task
from nasir.core.trial import FULL
from nasir.fitting.dip import DeepImagePrior
from nasir.search_spaces.nasdip.space import NasDip
from nasir.testing import EvaluatorContract


@attrs.frozen
class NoisyRamp(Task):
    """A ramp of grey, with noise; another size in each split."""

    side: int = 20
    known: bool = True

    signature = Signature(1, 1)

    def samples(self, split: Split) -> list[Sample]:
        import torch

        height = self.side + (split == "test")
        clean = torch.linspace(0, 1, self.side).expand(1, 1, height, self.side)
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
        return [Sample(f"ramp-{split}", clean + 0.1 * noise, clean if self.known else None)]

    def loss(self, output, sample):  # type: ignore[no-untyped-def]
        return (output - sample.degraded).square().mean()

    def metrics(self, restored, sample):  # type: ignore[no-untyped-def]
        if sample.clean is None:
            return {}
        return {"psnr": -10 * (restored - sample.clean).square().mean().log10().item()}


def _problem(evaluator: DeepImagePrior, task: Task, depth: int = 1) -> Problem:
    space = NasDip(depth=depth, width=4, input_channels=4)
    return Problem(space, task, {FULL: evaluator}, seed=0)


class TestDeepImagePrior(EvaluatorContract):
    def make(self) -> DeepImagePrior:
        return DeepImagePrior(iterations=5, stops=3, check_every=2, device="cpu")

    def problem(self, evaluator: DeepImagePrior) -> Problem:
        return _problem(evaluator, NoisyRamp())


class TestDeepImagePriorWithAFixedStop(TestDeepImagePrior):
    def make(self) -> DeepImagePrior:
        return DeepImagePrior(iterations=5, stop="fixed", rollback=0, device="cpu")


def test_a_space_too_deep_for_the_picture_is_refused_before_the_first_trial() -> None:
    problem = _problem(DeepImagePrior(iterations=1), NoisyRamp(), depth=6)
    with pytest.raises(PictureError, match="20 x 20 pixels, the space needs 32 x 32"):
        problem.check()


def test_a_search_without_ground_truth_is_refused_before_the_first_trial() -> None:
    problem = _problem(DeepImagePrior(iterations=1), NoisyRamp(known=False))
    with pytest.raises(SettingsError, match="ramp-search has no ground truth"):
        problem.check()
