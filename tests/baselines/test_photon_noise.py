from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from nasir.baselines.photon_noise import photon_noise

CLEAN = data.astronaut() / 255.0


def in_eight_bits(picture: np.ndarray) -> np.ndarray:
    return np.rint(picture.clip(0, 1) * 255) / 255


@pytest.mark.parametrize("peak", [10, 30, 100])
@pytest.mark.parametrize("grey", [False, True])
def test_the_peak_of_photon_noise_is_found(peak: int, grey: bool) -> None:
    clean = CLEAN.mean(axis=-1, keepdims=True) if grey else CLEAN
    noisy = in_eight_bits(np.random.default_rng(0).poisson(clean * peak) / peak)
    found = photon_noise(noisy)
    assert found is not None
    assert found.peak == pytest.approx(peak, rel=0.4)


@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_white_noise_of_one_level_is_no_photon_noise(sigma: int) -> None:
    noise = np.random.default_rng(0).normal(0, sigma / 255, CLEAN.shape)
    assert photon_noise(in_eight_bits(CLEAN + noise)) is None


@pytest.mark.parametrize("shape", [(8, 8, 3), (100, 100, 1)])
def test_a_picture_of_one_brightness_says_nothing(shape: tuple[int, ...]) -> None:
    assert photon_noise(np.full(shape, 0.5)) is None
    assert photon_noise(np.random.default_rng(0).poisson(5.0, shape) / 10) is None
