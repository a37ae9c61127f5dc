"""What troubles a picture."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from nasir.apps.restore.diagnosis import diagnose, jpeg_quality


def saved(path: Path, sigma: float = 0, **options: object) -> Path:
    picture = data.astronaut() + np.random.default_rng(0).normal(0, sigma, (512, 512, 3))
    Image.fromarray(np.uint8(np.clip(picture, 0, 255).round())).save(path, **options)
    return path


def test_a_clean_photograph_has_no_trouble(tmp_path: Path):
    assert diagnose(saved(tmp_path / "a.png")).troubles == ()


def test_white_noise_is_found(tmp_path: Path):
    found = diagnose(saved(tmp_path / "a.png", 25))
    assert found.troubles == ("white noise",)
    assert re.search(r"white noise of sigma 2[45]\.\d of 255, no JPEG blocks", found.words)


def test_noise_in_a_jpeg_file_is_that_of_a_camera(tmp_path: Path):
    assert diagnose(saved(tmp_path / "a.jpg", 25, quality=97)).troubles == ("camera noise",)


@pytest.mark.parametrize("quality", [10, 30, 50, 70])
def test_jpeg_blocks_are_found_in_the_file_and_in_a_copy(tmp_path: Path, quality: int):
    path = saved(tmp_path / "a.jpg", quality=quality)
    assert diagnose(path).troubles == ("JPEG blocks",)
    Image.open(path).save(tmp_path / "copy.png")
    assert diagnose(tmp_path / "copy.png").troubles == ("JPEG blocks",)


@pytest.mark.parametrize("quality", [5, 10, 49, 50, 51, 75, 95, 100])
def test_the_quality_of_a_jpeg_file_is_that_it_was_saved_with(tmp_path: Path, quality: int):
    assert jpeg_quality(saved(tmp_path / "a.jpg", quality=quality)) == quality


def test_another_file_has_no_jpeg_quality(tmp_path: Path):
    assert jpeg_quality(saved(tmp_path / "a.png")) is None


def test_a_tiny_picture_is_said_to_be_one(tmp_path: Path):
    Image.fromarray(data.astronaut()[:90, :120]).save(tmp_path / "a.png")
    found = diagnose(tmp_path / "a.png")
    assert found.is_tiny
    assert "task=sr" in found.words


def pattern(side: int = 256) -> np.ndarray:
    """A grey texture: noise that is spread, rare and the same in all colours."""
    drawn = np.random.default_rng(0).laplace(0, 1, (side, side)) ** 3
    smooth = (drawn + np.roll(drawn, 1, 0) + np.roll(drawn, 1, 1)) * 2
    return np.uint8(np.clip(128 + smooth, 0, 255))[..., None].repeat(3, axis=2)


def test_texture_is_no_noise(tmp_path: Path):
    Image.fromarray(pattern()).save(tmp_path / "a.png")
    found = diagnose(tmp_path / "a.png")
    assert found.troubles == ()
    assert "no noise, but texture" in found.words


@pytest.mark.parametrize("sigma", [8, 15])
def test_white_noise_on_texture_is_measured_between_the_colours(tmp_path: Path, sigma: int):
    noise = np.random.default_rng(1).normal(0, sigma, (256, 256, 3))
    Image.fromarray(np.uint8(np.clip(pattern() + noise, 0, 255))).save(tmp_path / "a.png")
    found = diagnose(tmp_path / "a.png")
    assert found.troubles == ("white noise",)
    assert found.sigma == pytest.approx(sigma, abs=1)


def test_a_mask_has_no_noise(tmp_path: Path):
    mask = np.full((128, 128), 255, np.uint8)
    for at in np.random.default_rng(0).integers(0, 120, (200, 2)):
        mask[at[0] : at[0] + 6, at[1] : at[1] + 2] = 0
    Image.fromarray(mask).save(tmp_path / "a.png")
    assert diagnose(tmp_path / "a.png").troubles == ()
