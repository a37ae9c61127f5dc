"""Fits on a GPU: captured, at once, repeatable, continued, and the same as on a CPU."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from made_tasks import denoise

from nasir.core.evaluator import Evaluation, Problem
from nasir.core.search_space import Signature
from nasir.core.trial import FULL, Proposal
from nasir.fitting.dip import DeepImagePrior
from nasir.kernels.reflection import reflect
from nasir.kernels.resizing import Mode, by_products
from nasir.search_spaces.nasdip.space import NasDip
from nasir.training.randomness import repeatable

pytestmark = pytest.mark.gpu

SPACE = NasDip(depth=2, width=8, input_channels=8)
NAMES = ("nasdip_denoising", "transposed_convolution", "deep_image_prior")
USUAL = DeepImagePrior(iterations=30, stop="fixed", device="cuda")


def evaluated(method: DeepImagePrior, fidelity: float = 1.0, **problem: Any) -> Evaluation:
    whole = Problem(
        SPACE, denoise(size=32, search=2), {FULL: method}, **{"artifacts": True} | problem
    )
    return method.evaluate(Proposal(SPACE.named("nasdip_denoising"), fidelity=fidelity), whole, 1)


def same(first: Evaluation, second: Evaluation) -> bool:
    arrays = [(first.weights[name], second.weights[name]) for name in first.weights]
    return first.metrics == second.metrics and all(np.array_equal(a, b) for a, b in arrays)


@pytest.fixture
def whole_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """float32 without TF32."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)


@pytest.mark.parametrize("cudnn", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_networks_and_gradients_are_those_of_a_cpu(
    name: str, cudnn: bool, whole_precision: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of cuDNN's convolutions some are by Winograd's way, whose gradients are less exact."""
    monkeypatch.setattr(torch.backends.cudnn, "enabled", cudnn)
    torch.manual_seed(0)
    network = SPACE.build(SPACE.named(name), Signature(8, 3))
    x, weights = torch.rand(1, 8, 32, 32), torch.rand(1, 3, 32, 32)
    found = []
    for device in ("cpu", "cuda"):
        one = copy.deepcopy(network).to(device)
        with repeatable(device):
            y = one(x.to(device))
            (y * weights.to(device)).sum().backward()
        gradients = torch.cat(
            [p.grad.flatten().cpu() for p in one.parameters() if p.grad is not None]
        )
        found.append((y.detach().cpu(), gradients))
    far = [float((a - b).norm() / a.norm()) for a, b in zip(*found, strict=True)]
    assert far[0] < 1e-4
    assert far[1] < (1e-2 if cudnn else 1e-4)


@pytest.mark.parametrize("capture", ["always", "never"])
@pytest.mark.parametrize("together", ["always", "never"])
def test_the_same_seed_gives_the_same_bits(capture: str, together: str) -> None:
    method = attrs.evolve(USUAL, capture=capture, together=together)
    assert same(evaluated(method), evaluated(method))


@pytest.mark.parametrize("together", ["always", "never"])
def test_a_fit_that_is_continued_comes_to_the_same_bits(together: str, tmp_path: Path) -> None:
    method = attrs.evolve(USUAL, capture="always", together=together)
    evaluated(method, 0.5, artifacts=False, checkpoints=tmp_path)
    assert len(list(tmp_path.glob("fit-*"))) == 2
    assert same(evaluated(method, checkpoints=tmp_path), evaluated(method))


def test_captured_steps_are_the_plain_ones(whole_precision: None) -> None:
    captured, plain = (
        evaluated(attrs.evolve(USUAL, iterations=10, capture=how, together="never"))
        for how in ("always", "never")
    )
    assert captured.metrics["psnr"] == pytest.approx(plain.metrics["psnr"], abs=0.01)


def test_fits_at_once_are_the_fits_alone(whole_precision: None) -> None:
    together, alone = (
        evaluated(attrs.evolve(USUAL, iterations=10, together=how)) for how in ("always", "never")
    )
    assert together.metrics["psnr"] == pytest.approx(alone.metrics["psnr"], abs=0.01)


def test_each_fit_of_a_captured_batch_has_noise_of_its_own() -> None:
    restored = evaluated(attrs.evolve(USUAL, capture="always", together="always")).restored
    first, second = (one.restored for one in restored.values())
    assert not np.allclose(first, second)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_resizing_is_that_of_a_cpu(mode: Mode) -> None:
    x = torch.rand(1, 2, 9, 6)
    expected = F.interpolate(x, scale_factor=2, mode=mode, align_corners=False)
    assert torch.allclose(by_products(x.cuda(), mode).cpu(), expected, atol=1e-6)


def test_gradients_of_a_wide_border_are_the_same_each_time() -> None:
    x = torch.randn(1, 16, 40, 40, device="cuda", requires_grad=True)
    with repeatable("cuda"):
        y = reflect(x, 30, 30, 60, 60)
        by_output = torch.randn_like(y)
        one, other = (torch.autograd.grad(y, x, by_output, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(one, other)
