"""PSNR and SSIM against scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from nasir.core.errors import PictureError
from nasir.core.metrics import psnr, ssim


def pair(seed: int, height: int, width: int, channels: int, noise: float) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    clean = rng.random((height, width, channels))
    return [clean, np.clip(clean + rng.normal(0, noise, clean.shape), 0, 1)]


def tensors(*pictures: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(picture).permute(2, 0, 1)[None] for picture in pictures]


pictures = st.builds(
    pair,
    st.integers(0, 2**32 - 1),
    st.integers(11, 40),
    st.integers(11, 40),
    st.sampled_from([1, 3]),
    st.floats(0.001, 1),
)


@settings(deadline=None, max_examples=40)
@given(pictures)
def test_psnr_equals_scikit_image(pictures: list[np.ndarray]):
    expected = peak_signal_noise_ratio(*pictures, data_range=1)
    assert psnr(*tensors(*pictures)) == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(pictures)
def test_ssim_equals_scikit_image(pictures: list[np.ndarray]):
    expected = structural_similarity(
        *pictures,
        data_range=1,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(*tensors(*pictures)).item() == pytest.approx(expected, abs=1e-6)


def test_equal_pictures_have_infinite_psnr_and_ssim_one():
    x = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    assert psnr(x, x) == math.inf
    assert ssim(x, x).item() == pytest.approx(1)


def test_psnr_of_a_known_error_is_its_closed_form():
    x = torch.zeros(1, 1, 20, 20)
    assert psnr(x, x + 0.1) == pytest.approx(20, abs=1e-5)


def test_ssim_is_differentiable():
    x = torch.rand(1, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    y = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda t: ssim(t, y), x, nondet_tol=1e-9)


def test_a_picture_smaller_than_the_window_is_refused():
    x = torch.rand(1, 1, 10, 30)
    with pytest.raises(PictureError, match="11 x 11"):
        ssim(x, x)
