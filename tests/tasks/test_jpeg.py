"""Artefacts of compression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from data_sets import picture, save
from made_tasks import jpeg
from PIL import Image

from nasir.tasks.degradations.jpeg import Jpeg


@pytest.mark.parametrize("quality", [5, 30, 95])
def test_pictures_are_those_that_pillow_saves(tmp_path: Path, quality: int):
    file = save(tmp_path / "a.png", picture(0, 40, 48))
    Image.open(file).save(tmp_path / "b.jpg", quality=quality)
    (sample,) = jpeg(images=file, size=0, quality=quality).samples("test")
    expected = np.asarray(Image.open(tmp_path / "b.jpg"), np.float32) / 255
    np.testing.assert_allclose(sample.degraded[0].permute(1, 2, 0), expected, atol=1e-6)


def test_a_jpeg_file_is_taken_as_it_is_and_compared_with_the_output(tmp_path: Path):
    Image.fromarray(picture(0, 40, 48)).save(tmp_path / "a.jpg", quality=20)
    task = jpeg(images=tmp_path / "a.jpg", size=0, degraded=True)
    (sample,) = task.samples("test")
    expected = np.asarray(Image.open(tmp_path / "a.jpg"), np.float32) / np.float32(255)
    assert torch.equal(sample.degraded[0].permute(1, 2, 0), torch.from_numpy(expected))
    output = torch.rand(sample.degraded.shape)
    assert task.loss(output, sample) == (output - sample.degraded).square().mean()


def test_training_draws_each_quality_of_the_range_and_tests_have_one():
    rng = np.random.default_rng(0)
    drawn = [Jpeg(quality=50, qualities=(7, 10)).varied(rng).quality for _ in range(400)]
    assert set(drawn) == {7, 8, 9, 10}
    assert all(abs(drawn.count(q) - 100) < 6 * np.sqrt(75) for q in set(drawn))
    assert Jpeg(quality=50).varied(rng).quality == 50


def test_patches_have_blocks_of_eight_pixels(tmp_path: Path):
    ramp = np.linspace(0, 255, 80).astype(np.uint8) * np.ones((60, 1), np.uint8)
    save(tmp_path / "train" / "a.png", ramp)
    save(tmp_path / "test" / "b.png", ramp)
    task = jpeg(images=str(tmp_path), quality=1, augment="none")
    seen, _ = task.patches().batch(0, 30, 16)
    steps = (seen[..., 1:] - seen[..., :-1]).abs().mean((0, 1, 2))
    assert steps[7] > 2 * np.delete(steps.numpy(), 7).max()
