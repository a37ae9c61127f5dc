"""The camera that the task simulates for pictures and patches."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from data_sets import bsds
from made_tasks import real_denoise

from nasir.core.errors import SettingsError
from nasir.core.seeds import derived_seed
from nasir.settings import building
from nasir.tasks.physics import camera
from nasir.tasks.real_denoise import RealDenoise


@pytest.fixture
def shots(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The camera's arguments for every picture that it took."""
    taken: list[tuple[Any, ...]] = []

    def caught(x: torch.Tensor, *settings: Any) -> torch.Tensor:
        taken.append(settings)
        return x

    monkeypatch.setattr(camera, "photograph", caught)
    return taken


def test_each_patch_is_taken_with_noise_and_light_of_its_own(tmp_path: Path, shots: list[Any]):
    task = real_denoise(images=str(bsds(tmp_path)), shot=(0.001, 0.01))
    task.patches().batch(0, 300, 8)
    settings = shots[-300:]
    logarithms = [math.log(shot) for shot, *_ in settings]
    least, most = math.log(0.001), math.log(0.01)
    assert least <= min(logarithms) < max(logarithms) <= most
    spread = (most - least) / math.sqrt(12 * 300)
    assert np.mean(logarithms) == pytest.approx((least + most) / 2, abs=5 * spread)
    for shot, read, _, (red, green, blue), chroma in settings:
        assert math.log(read) == pytest.approx(2.18 * math.log(shot) + 1.2)
        assert (1.9 <= red <= 2.4, green, 1.5 <= blue <= 1.9) == (True, 1.0, True)
        assert chroma == 1.0
    assert len({gains for *_, gains, _ in settings}) == 300


def test_read_noise_and_light_can_be_set(tmp_path: Path, shots: list[Any]):
    task = real_denoise(
        images=str(bsds(tmp_path)), shot=0.004, read=(0.0, 0.002), white_balance=False, chroma=0
    )
    task.patches().batch(0, 100, 8)
    assert all(settings[0] == pytest.approx(0.004) for settings in shots)
    assert all(0 <= settings[1] <= 0.002 for settings in shots)
    assert all(settings[3:] == ((1.0, 1.0, 1.0), 0) for settings in shots)


def test_what_a_picture_is_taken_with_depends_on_the_seed_and_its_name(tmp_path: Path):
    task = real_denoise(
        images=str(bsds(tmp_path)), seed=3, shot=0.01, read=0, white_balance=False, jpeg=None
    )
    (sample, _) = task.samples("test")
    generator = np.random.default_rng(derived_seed(3, "camera", "3"))
    generator.uniform(size=4)  # shot and read noise, red and blue
    shot = math.exp(math.log(0.01))
    expected = camera.photograph(sample.clean, shot, 0, generator, chroma=1.0)
    assert torch.equal(sample.degraded, expected)


def test_more_compression_and_more_noise_are_further_from_the_picture():
    def error(**settings: Any) -> float:
        (sample, _) = real_denoise(**settings).samples("test")
        return (sample.degraded - sample.clean).square().mean().item()

    little = {"shot": 1e-6, "read": 0, "chroma": 0}
    assert error(jpeg=10, **little) > 2 * error(jpeg=95, **little)
    assert error(shot=0.02) > 2 * error(shot=0.002)


def test_a_camera_gives_pictures_of_8_bits():
    for jpeg in (None, 50):
        (sample, _) = real_denoise(jpeg=jpeg).samples("test")
        levels = sample.degraded * 255
        assert torch.allclose(levels, levels.round(), rtol=0, atol=1e-4)
        assert sample.degraded.min() >= 0
        assert sample.degraded.max() <= 1


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("shot", 0.0, "'shot'"),
        ("shot", [0.01, 0.001], "'shot'"),
        ("read", -0.1, "'read'"),
        ("read", math.inf, "'read'"),
        ("chroma", 11.0, "<= 10"),
        ("jpeg", 0, ">= 1"),
        ("jpeg", 100, "<= 95"),
        ("pairs", "sidd", "'sim1800', 'folders'"),
    ],
)
def test_a_setting_out_of_range_is_refused_in_one_line(field: str, value: object, why: str):
    with pytest.raises(SettingsError, match=why) as refused:
        building.structure(RealDenoise, {field: value}, "task")
    assert "\n" not in str(refused.value)


def test_settings_survive_being_written_and_read():
    for task in (real_denoise(), real_denoise(read=0.001, jpeg=None)):
        assert building.structure(RealDenoise, building.settings_of_component(task)) == task
