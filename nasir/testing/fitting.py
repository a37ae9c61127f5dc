"""The contract of a fitting method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from torch import Tensor

from nasir.core.evaluator import Problem
from nasir.core.search_space import Signature
from nasir.core.task import Sample, Split, Task
from nasir.core.trial import FULL
from nasir.fitting.fit import FitRequest, FittedPicture
from nasir.fitting.method import FittingMethod
from nasir.search_spaces.nasdip.space import NasDip
from nasir.testing.evaluators import EvaluatorContract


@attrs.frozen
class NoisyRamp(Task):
    """A noisy ramp of grey, of another height in each split, some of its pixels missing."""

    side: int = 20
    known: bool = True
    missing: float = 0.3

    signature = Signature(1, 1)

    def samples(self, split: Split) -> Sequence[Sample]:
        generator = torch.Generator().manual_seed(0)
        height = self.side + (split == "test")
        clean = torch.linspace(0, 1, self.side).expand(1, 1, height, self.side)
        noise = torch.randn(clean.shape, generator=generator)
        mask = (torch.rand(clean.shape, generator=generator) >= self.missing).float()
        degraded = (clean + 0.1 * noise) * mask
        return [Sample(f"ramp-{split}", degraded, clean if self.known else None, mask=mask)]

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        mask = torch.ones_like(output) if sample.mask is None else sample.mask
        return ((output - sample.degraded).square() * mask).sum() / mask.sum()

    def metrics(self, restored: Tensor, sample: Sample) -> Mapping[str, float]:
        if sample.clean is None:
            return {}
        return {"psnr": -10 * math.log10((restored - sample.clean).square().mean())}


@attrs.frozen
class _Given(NoisyRamp):
    """One picture in both splits."""

    sample: Sample = attrs.field(kw_only=True)

    def samples(self, split: Split) -> Sequence[Sample]:
        return [self.sample]


class FittingMethodContract(EvaluatorContract):
    """What every fitting method must do. A subclass gives `make`, with a fit of few steps."""

    def make(self) -> FittingMethod:
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    def problem(self, evaluator: FittingMethod, task: Task | None = None) -> Problem:  # type: ignore[override]
        """A small problem on `task`, by default on a ramp with noise and missing pixels."""
        space = NasDip(depth=1, width=4, input_channels=4)
        return Problem(space, task or NoisyRamp(), {FULL: evaluator}, seed=0)

    def fitted(
        self, method: FittingMethod, sample: Sample, split: Split = "search", fidelity: float = 1.0
    ) -> FittedPicture:
        """A fit of one architecture to `sample`."""
        problem = attrs.evolve(self.problem(method, _Given(sample=sample)), split=split)
        architecture = problem.domain.sample(np.random.default_rng(0))
        return method.fit_picture(architecture, problem, sample, 1, fidelity)

    @pytest.fixture
    def sample(self) -> Sample:
        return NoisyRamp().samples("search")[0]

    def test_outputs_are_in_order_and_as_large_as_the_restored_picture(
        self, sample: Sample
    ) -> None:
        one = self.fitted(self.make(), sample)
        assert one.steps == sorted(one.steps)
        assert 1 <= one.steps[-1] <= one.fit.ran <= one.fit.full
        assert math.isfinite(one.fit.loss)
        for picture in one.restored:
            assert picture.shape == sample.degraded.shape
            assert picture.isfinite().all()

    def test_a_fit_of_lower_fidelity_ends_earlier(self, sample: Sample) -> None:
        method = self.make()
        whole, half = (self.fitted(method, sample, "test", share) for share in (1.0, 0.5))
        assert half.fit.full == whole.fit.full
        assert half.fit.ran <= FitRequest((1, 1, 1, 1), 0.5).steps(half.fit.full)

    def test_a_fit_never_sees_the_ground_truth(self, sample: Sample) -> None:
        other = attrs.evolve(sample, clean=torch.full_like(sample.degraded, 0.5))
        assert _same(*(self.fitted(self.make(), one) for one in (sample, other)))

    def test_missing_pixels_never_influence_a_fit(self, sample: Sample) -> None:
        assert sample.mask is not None
        degraded = torch.where(sample.mask > 0, sample.degraded, 9.0)
        other = attrs.evolve(sample, degraded=degraded)
        assert _same(*(self.fitted(self.make(), one) for one in (sample, other)))

    def test_held_out_pixels_reward_a_search_and_never_influence_a_fit(
        self, sample: Sample
    ) -> None:
        from nasir.core.seeds import derived_seed
        from nasir.fitting.held_out import divide_pixels

        method = attrs.evolve(self.make(), reward="heldout", held_out=0.3)
        _, outside = divide_pixels(sample, 0.3, derived_seed(0, "held out", sample.name))
        assert outside.mask is not None
        degraded = torch.where(outside.mask > 0, 1 - sample.degraded, sample.degraded)
        one = self.fitted(method, sample)
        other = self.fitted(method, attrs.evolve(sample, degraded=degraded))
        if not one.fit.stopped:  # a rule may stop by them
            assert _same(one, other)
        assert one.quality != other.quality
        evaluation = self.evaluated(self.problem(method, NoisyRamp(known=False)))
        assert evaluation.score == evaluation.metrics["heldout_psnr"]

    def test_a_longer_fit_comes_to_the_same_bits_after_a_shorter_one(
        self, sample: Sample, tmp_path: Path
    ) -> None:
        method = self.make()
        alone = self.problem(method)
        kept = attrs.evolve(alone, checkpoints=tmp_path)
        architecture = alone.domain.sample(np.random.default_rng(0))
        for fidelity in (0.4, 0.7, 1.0):
            one, other = (
                method.fit_picture(architecture, problem, sample, 1, fidelity)
                for problem in (alone, kept)
            )
            assert _same(one, other)
        assert not list(tmp_path.iterdir())


def _same(one: FittedPicture, other: FittedPicture) -> bool:
    """Whether restored pictures and weights are equal to the bit."""
    first, second = one.network.state_dict(), other.network.state_dict()
    return all(map(torch.equal, one.restored, other.restored)) and all(
        torch.equal(first[name], second[name]) for name in first
    )
