"""The rain that the task draws for pictures and patches."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from data_sets import bsds
from made_tasks import derain

from nasir.core.errors import SettingsError
from nasir.core.search_space import Signature
from nasir.core.seeds import derived_seed
from nasir.settings import building
from nasir.tasks.derain import Derain
from nasir.tasks.physics import rain


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[rain.Streaks]:
    """The rains that have been drawn."""
    rains: list[rain.Streaks] = []

    def caught(x: torch.Tensor, one: rain.Streaks, generator: np.random.Generator) -> torch.Tensor:
        rains.append(one)
        return x

    monkeypatch.setattr(rain, "rainy", caught)
    return rains


def test_each_patch_has_rain_of_its_own_within_the_settings(
    tmp_path: Path, drawn: list[rain.Streaks]
):
    intervals = {
        "density": (0.01, 0.02),
        "length": (5.0, 9.0),
        "angle": (-10.0, 50.0),
        "width": (1.0, 3.0),
        "intensity": (0.2, 0.4),
    }
    derain(images=str(bsds(tmp_path)), **intervals).patches().batch(0, 200, 8)
    rains = drawn[-200:]
    for name, (least, most) in intervals.items():
        values = [getattr(one, name) for one in rains]
        assert len(set(values)) == 200
        assert least <= min(values) < max(values) <= most
        spread = (most - least) / math.sqrt(12)
        assert np.mean(values) == pytest.approx((least + most) / 2, abs=5 * spread / math.sqrt(200))


def test_one_number_stands_for_both_ends_of_an_interval(tmp_path: Path, drawn: list[rain.Streaks]):
    task = building.structure(Derain, {"images": [str(bsds(tmp_path))], "angle": 15})
    assert task.rain.angle == (15.0, 15.0)
    task.patches().batch(0, 4, 8)
    assert {one.angle for one in drawn} == {15.0}


def test_the_rain_of_a_picture_is_drawn_from_the_seed_and_its_name(tmp_path: Path):
    one = {"density": 0.01, "length": 9.0, "angle": 20.0, "width": 1.5, "intensity": 0.6}
    (sample, _) = derain(images=str(bsds(tmp_path)), seed=7, **one).samples("test")
    generator = np.random.default_rng(derived_seed(7, "rain", "3"))
    generator.uniform(size=5)  # the five numbers of the rain
    assert torch.equal(sample.degraded, rain.rainy(sample.clean, rain.Streaks(**one), generator))


def test_patches_are_mirrored_left_to_right_alone_unless_a_setting_says_otherwise():
    assert derain().augment == "mirror"  # IR-NAS, section 4.1


def test_the_default_rain_is_about_as_heavy_as_that_of_rain800():
    from nasir.core.metrics import psnr

    samples = [s for split in ("search", "test") for s in derain(size=0).samples(split)]
    mean = sum(psnr(s.degraded, s.clean) for s in samples) / len(samples)
    assert 18 < mean < 26


def test_the_default_is_on_colour_photographs():
    assert derain().signature == Signature(3, 3)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("density", [0.2, 0.1], r"'density' must be one number .*\[0, 1\]: \[0.2, 0.1\]"),
        ("density", 1.5, r"'density' .*\[0, 1\]"),
        ("length", [1.0, 2.0, 3.0], "'length' must be one number or a least and a greatest"),
        ("length", 0.5, "'length'"),
        ("angle", [-91.0, 0.0], "'angle'"),
        ("width", 0.0, "'width'"),
        ("intensity", math.nan, "'intensity'"),
        ("intensity", [], "'intensity'"),
        ("pairs", "rain100", "'rain800', 'folders'"),
        ("rainy_half", "top", "'left', 'right'"),
        ("augment", "turn", "'mirror'"),
        ("train", 0, ">= 1"),
        ("memory", -1.0, ">= 0"),
    ],
)
def test_a_setting_out_of_range_is_refused_in_one_line(field: str, value: object, why: str):
    with pytest.raises(SettingsError, match=why) as refused:
        building.structure(Derain, {field: value}, "task")
    assert "\n" not in str(refused.value)
