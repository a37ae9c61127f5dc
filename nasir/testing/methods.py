"""The contract of a classical method."""

from __future__ import annotations

import attrs
import pytest
import torch

from nasir.core.method import Method
from nasir.core.task import Sample, Task
from nasir.tasks.denoise import Denoise
from nasir.testing.components import ComponentContract, untouched_generators


class MethodContract(ComponentContract):
    """What every method must do. A subclass gives `make`, and `task` where it is not denoising."""

    def make(self) -> Method:
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    def task(self) -> Task:
        """A task that the method can do, with small pictures."""
        return Denoise(size=24, search=1)

    @pytest.fixture
    def sample(self) -> Sample:
        return self.task().samples("test")[0]

    def test_a_picture_is_restored_at_its_full_size(self, sample: Sample) -> None:
        task = self.task()
        restored = self.make().restore(sample, task)
        assert restored.shape == task.unrestored(sample).shape
        assert restored.dtype == torch.float32
        assert restored.isfinite().all()

    def test_the_same_picture_is_always_restored_alike(self, sample: Sample) -> None:
        first, second = (self.make().restore(sample, self.task()) for _ in range(2))
        assert torch.equal(first, second)

    def test_the_ground_truth_is_never_seen(self, sample: Sample) -> None:
        whole = torch.zeros_like(self.task().unrestored(sample))
        pictures = [
            self.make().restore(attrs.evolve(sample, clean=clean), self.task())
            for clean in (None, sample.clean, whole)
        ]
        assert all(torch.equal(pictures[0], other) for other in pictures)

    def test_the_sample_is_never_changed(self, sample: Sample) -> None:
        before = sample.degraded.clone()
        self.make().restore(sample, self.task())
        assert torch.equal(sample.degraded, before)

    def test_the_global_generators_are_left_alone(self, sample: Sample) -> None:
        with untouched_generators():
            self.make().restore(sample, self.task())
