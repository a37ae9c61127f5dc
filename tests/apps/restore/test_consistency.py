"""Results that are degraded again, and what a network removes: whether it is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import nasir
from nasir.apps.restore.consistency import inconsistency
from nasir.apps.restore.diagnosis import diagnose
from nasir.core.task import Sample
from nasir.networks import network as networks
from nasir.tasks.degradations.real_camera import RealCamera
from nasir.tasks.physics.resampling import resized


def saved(path: Path, picture: np.ndarray) -> Path:
    Image.fromarray(np.uint8(np.rint(255 * np.clip(picture, 0, 1)))).save(path)
    return path


def test_the_inconsistency_is_the_mean_square_where_pixels_were_observed():
    x = np.full((4, 4, 3), 0.5, np.float32)
    y = torch.full((1, 3, 2, 2), 0.4)
    y[..., 0] = 9.0
    mask = torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])
    sample = Sample("a", y, forward_operator=lambda z: resized(z, 2, 2), mask=mask)
    assert inconsistency(x, sample) == pytest.approx(0.01, rel=1e-4)


def test_an_enlarged_picture_is_nearer_to_the_given_one_than_bicubic(tmp_path: Path):
    path = saved(tmp_path / "a.png", data.astronaut()[40:88, 180:240] / 255)
    done = nasir.restore(path, "task=sr", "task.scale=2", strip=False)
    assert done.by == "network sr2"
    assert done.note is not None
    assert "network sr2" in done.note
    assert "bicubic" in done.note


def test_bicubic_is_delivered_where_a_network_leaves_the_given_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = saved(tmp_path / "a.png", data.astronaut()[40:88, 180:240] / 255)
    black = torch.nn.Sequential(torch.nn.Upsample(scale_factor=2), torch.nn.Threshold(2, 0))
    monkeypatch.setattr(networks.TrainedNetwork, "load", lambda self: black)
    done = nasir.restore(path, "task=sr", "task.scale=2", strip=False)
    assert done.by == "bicubic"
    assert done.picture.mean() > 0.1


def test_what_cannot_be_compared_is_said_to_be_so(tmp_path: Path):
    path = saved(tmp_path / "a.png", data.astronaut()[:64, 180:244] / 255)
    assert "not compared" in str(nasir.restore(path, "task=derain", strip=False).note)
    noisy = np.random.default_rng(0).normal(data.astronaut()[:64, 180:244] / 255, 25 / 255)
    jpeg = saved(tmp_path / "a.jpg", noisy.clip(0, 1))
    said = nasir.restore(jpeg, "task=denoise", output=tmp_path / "b.png", strip=False).note
    assert "for task=denoise in a JPEG file" in str(said)
    named = nasir.restore(path, network="derain", strip=False, force=True)
    assert named.note is None


def test_the_noise_of_a_camera_is_removed(tmp_path: Path):
    clean = torch.from_numpy(data.astronaut()[:256, 100:356] / 255).float().permute(2, 0, 1)[None]
    seen = RealCamera(shot=(0.004, 0.004)).observe(clean, np.random.default_rng(0))
    path = saved(tmp_path / "a.png", seen[0].permute(1, 2, 0).numpy())
    done = nasir.restore(path, strip=False)
    assert done.by == "network camera"
    assert done.note == "what was removed looks like a camera's noise"


def test_texture_that_is_taken_for_noise_is_kept(tmp_path: Path):
    """Grey sand on a smooth field: alike in all colours at every scale."""
    drawn = np.random.default_rng(0).normal(0, 0.06, (256, 256))
    sand = 0.5 + (drawn + np.roll(drawn, 1, 0) + np.roll(drawn, 1, 1)) / 2
    tint = np.array([1.0, 0.9, 0.8])
    path = saved(tmp_path / "a.png", sand[..., None] * tint)
    assert diagnose(path).troubles == ("camera noise",)
    done = nasir.restore(path, strip=False)
    assert done.by == "input"
    assert "may be texture" in str(done.note)
    assert np.array_equal(np.rint(255 * done.picture), np.asarray(Image.open(path)))
