"""Estimated risks against the true errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from nasir.apps.restore.deciding import classical_methods
from nasir.apps.restore.risk import INPUT, Risks, risks_of, sure
from nasir.apps.restore.trained import by_method
from nasir.core.task import Sample
from nasir.tasks.denoise import Denoise

SIGMA = 25 / 255


@pytest.fixture(scope="module")
def clean() -> Tensor:
    """So far from 0 and 1 that no pixel is left out."""
    array = np.ascontiguousarray(data.astronaut()[:192, 150:342])
    return torch.from_numpy(array).permute(2, 0, 1)[None] / 255 * 0.4 + 0.3


def observed(clean: Tensor) -> Sample:
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return Sample("a", clean + SIGMA * noise)


@pytest.mark.parametrize("name", ["nlm"])
def test_the_risk_is_the_true_error_within_a_hundredth_of_the_noise(name: str, clean: Tensor):
    sample = observed(clean)
    restore_part = by_method(classical_methods(25)[name], Denoise())
    true = ((restore_part(sample) - clean) ** 2).mean().item()
    assert sure(restore_part, sample, SIGMA) == pytest.approx(true, abs=0.015 * SIGMA**2)


def test_the_input_has_the_risk_of_its_noise(clean: Tensor):
    sample = observed(clean)
    assert sure(lambda s: s.degraded, sample, SIGMA) == pytest.approx(SIGMA**2, rel=0.02)


def test_a_candidate_that_ruins_the_picture_loses_to_the_input(clean: Tensor):
    found = risks_of({"black": lambda s: 0 * s.degraded}, observed(clean), SIGMA)
    assert found.best == INPUT
    assert found.by_candidate["black"] == pytest.approx((clean**2).mean().item(), rel=0.3)


def test_what_is_below_the_accuracy_is_not_given_as_a_figure():
    found = Risks({"a": -0.002, "b": 0.001, "input": 0.01}, least=0.0005)
    assert found.words == "a above 33.0 dB, b 30.0 dB, input 20.0 dB"
    assert found.best == "a"
