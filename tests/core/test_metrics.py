from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from nasir.core.errors import NasirError
from nasir.core.metrics import psnr, ssim

KINDS = ("uniform", "near", "smooth", "flat", "binary")


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two different pictures ``(H, W, C)`` in [0, 1]; grey or colour, of several kinds."""
    height, width = draw(st.integers(11, 40)), draw(st.integers(11, 40))
    shape = (height, width, draw(st.sampled_from((1, 3))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x, kind = rng.random(shape), draw(st.sampled_from(KINDS))
    if kind == "near":
        return x, (x + rng.normal(0, 1e-3, shape)).clip(0, 1)
    if kind == "smooth":
        ramp = np.linspace(0, 1, height)[:, None, None] * np.ones(shape)
        return ramp, (ramp + rng.normal(0, 0.1, shape)).clip(0, 1)
    if kind == "flat":
        return np.full(shape, rng.random()), np.full(shape, rng.random())
    if kind == "binary":
        return x.round(), rng.random(shape).round()
    return x, rng.random(shape)


def tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None]


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_psnr_agrees_with_scikit_image(pair: tuple[np.ndarray, np.ndarray]):
    x, y = pair
    expected = peak_signal_noise_ratio(x, y, data_range=1)
    assert psnr(tensor(x), tensor(y)) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_ssim_agrees_with_scikit_image(pair: tuple[np.ndarray, np.ndarray]):
    x, y = pair
    expected = structural_similarity(
        x,
        y,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1,
        channel_axis=2,
    )
    assert ssim(tensor(x), tensor(y)).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("difference", [1 / 255, 0.1, 1.0])
def test_psnr_of_a_constant_difference_is_in_closed_form(difference: float):
    x = torch.zeros(1, 3, 8, 8, dtype=torch.float64)
    assert psnr(x, x + difference) == pytest.approx(-20 * math.log10(difference), abs=1e-9)


def test_psnr_of_float32_pictures_is_taken_in_float64():
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    y = (x + 1e-4).clamp(0, 1)
    expected = peak_signal_noise_ratio(x.double().numpy(), y.double().numpy(), data_range=1)
    assert psnr(x, y) == pytest.approx(expected, abs=1e-9)


def test_equal_pictures_have_infinite_psnr_and_ssim_one():
    x = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert psnr(x, x.clone()) == math.inf
        assert ssim(x, x.clone()).item() == pytest.approx(1, abs=1e-12)


def test_not_a_number_shows_in_both():
    x = torch.full((1, 1, 16, 16), torch.nan)
    assert math.isnan(psnr(x, torch.zeros_like(x)))
    assert math.isnan(ssim(x, torch.zeros_like(x)).item())


def test_the_gradient_of_ssim_is_that_of_finite_differences():
    x, y, direction = torch.rand(3, 2, 3, 14, 13, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(ssim(x.requires_grad_(), y), x)
    step = 1e-5 * direction
    difference = (ssim(x + step, y) - ssim(x - step, y)).item() / 2e-5
    assert (gradient * direction).sum().item() == pytest.approx(difference, rel=1e-6)


def test_ssim_of_a_batch_is_the_mean_of_its_pictures():
    x, y = torch.rand(2, 3, 3, 16, 16, dtype=torch.float64)
    alone = [ssim(x[i : i + 1], y[i : i + 1]).item() for i in range(3)]
    assert ssim(x, y).item() == pytest.approx(sum(alone) / 3, abs=1e-12)


@pytest.mark.parametrize("size", [(10, 32), (32, 10), (1, 1)])
def test_a_picture_smaller_than_the_window_is_refused_with_both_sizes(size: tuple[int, int]):
    x = torch.zeros(1, 1, *size)
    with pytest.raises(NasirError, match=f"11 x 11 .* {size[0]} x {size[1]}"):
        ssim(x, x)
