"""The noise of a single picture, against noise of a known level."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from nasir.baselines.noise_estimate import noise_estimate
from nasir.tasks.degradations.camera_noise import CameraNoise


def noisy(sigma: float, grey: bool = False) -> np.ndarray:
    clean = data.camera()[..., None] / 255 if grey else data.astronaut() / 255
    return clean + np.random.default_rng(0).normal(0, sigma / 255, clean.shape)


def in_a_file(picture: np.ndarray) -> np.ndarray:
    """Clipped, and rounded to 8 bits."""
    return np.rint(255 * picture.clip(0, 1)) / 255


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("sigma", [5, 10, 25, 50])
def test_white_noise_in_a_file_is_found_to_a_twelfth(sigma: float, grey: bool):
    found = noise_estimate(in_a_file(noisy(sigma, grey)))
    assert 255 * found.sigma == pytest.approx(sigma, abs=max(0.8, sigma / 12))
    assert found.correlation < 1.3


def test_noise_that_a_file_has_clipped_is_measured_where_it_is_whole():
    """A fifth of the picture is black: there half of the noise is cut away."""
    picture = noisy(40)
    picture[:, :100] -= 0.5
    found = noise_estimate(in_a_file(picture))
    assert 255 * found.sigma == pytest.approx(40, abs=2)


def test_noise_of_a_camera_is_correlated():
    clean = torch.from_numpy(data.astronaut() / 255).float().permute(2, 0, 1)[None]
    seen = CameraNoise().observe(clean, np.random.default_rng(0))
    found = noise_estimate(seen[0].permute(1, 2, 0).numpy())
    assert found.correlation > 1.5
    assert 255 * found.sigma > 5


def test_a_picture_of_one_colour_has_no_noise():
    assert noise_estimate(np.full((100, 120, 3), 0.5)).sigma == 0


def test_a_picture_too_small_for_blocks_is_seen_whole():
    flat = 0.5 + np.random.default_rng(0).normal(0, 20 / 255, (40, 40, 1))
    assert 255 * noise_estimate(flat).sigma == pytest.approx(20, abs=3)
