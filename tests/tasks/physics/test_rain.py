"""Streaks of rain: their shape, how many there are, and how they are blended."""

from __future__ import annotations

import math

import attrs
import numpy as np
import pytest
import torch

from nasir.tasks.physics.rain import DIMMEST, Streaks, rainy, streak, streaks

USUAL = Streaks(density=0.005, length=9, angle=20, width=1.5, intensity=0.6)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_rain_is_blended_by_screen():
    picture = torch.rand((1, 3, 20, 24), generator=torch.Generator().manual_seed(0))
    light = torch.from_numpy(streaks(20, 24, USUAL, rng()))
    expected = picture + light - picture * light
    torch.testing.assert_close(rainy(picture, USUAL, rng()), expected.float(), rtol=0, atol=1e-6)


def test_rain_never_darkens_and_stays_in_range():
    picture = torch.rand((1, 3, 40, 40), generator=torch.Generator().manual_seed(0))
    seen = rainy(picture, attrs.evolve(USUAL, density=0.2, intensity=1), rng())
    assert (seen >= picture - 1e-6).all()
    assert seen.max() <= 1
    assert seen.dtype == torch.float32


def test_rain_is_white_on_black():
    seen = rainy(torch.zeros(1, 3, 30, 30), USUAL, rng())
    assert torch.equal(seen, seen[:, :1].expand(-1, 3, -1, -1))
    assert seen.max() > 0.1


def test_without_density_or_intensity_there_is_no_rain():
    picture = torch.rand((1, 1, 20, 20), generator=torch.Generator().manual_seed(0))
    for dry in (attrs.evolve(USUAL, density=0), attrs.evolve(USUAL, intensity=0)):
        torch.testing.assert_close(rainy(picture, dry, rng()), picture, rtol=0, atol=1e-7)


def distance_to_segment(point: complex, end: complex) -> float:
    """From a point to the segment between `-end` and `end`, found by trying its points."""
    return float(np.abs(point - np.linspace(-1, 1, 2001) * end).min())


@pytest.mark.parametrize(("length", "angle", "width"), [(8, 0, 1), (6, 35, 2), (5, -60, 1.5)])
def test_a_streak_fades_with_the_distance_from_its_segment(
    length: float, angle: float, width: float
):
    kernel = streak(length, angle, width)
    reach = kernel.shape[0] // 2
    end = length / 2 * complex(math.sin(math.radians(angle)), math.cos(math.radians(angle)))
    for row in range(-reach, reach + 1):
        for column in range(-reach, reach + 1):
            distance = distance_to_segment(complex(column, row), end)
            expected = math.exp(-2 * distance**2 / width**2)
            assert kernel[row + reach, column + reach] == pytest.approx(expected, abs=1e-3)


def test_a_streak_is_brightest_in_its_middle_and_dark_at_the_border_of_its_square():
    for angle in (0, 45, 90):
        kernel = streak(12, angle, 2)
        assert kernel.max() == kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] == 1
        edge = np.concatenate([kernel[0], kernel[-1], kernel[:, 0], kernel[:, -1]])
        assert edge.max() < 0.02


@pytest.mark.parametrize("angle", [-40.0, 0.0, 25.0])
def test_streaks_run_in_the_direction_that_is_asked_for(angle: float):
    rain = Streaks(density=0.0003, length=60, angle=angle, width=6, intensity=0.4)
    light = streaks(200, 200, rain, rng())
    down, right = np.gradient(light)
    # The principal direction of the gradients is across the streaks.
    across = math.degrees(
        0.5 * math.atan2(2 * (down * right).sum(), (right**2).sum() - (down**2).sum())
    )
    assert across == pytest.approx(-angle, abs=1.5)


def test_there_are_as_many_streaks_as_the_density_says():
    thin = Streaks(density=0.01, length=1, angle=0, width=0.1, intensity=1)
    light = np.stack([streaks(100, 100, thin, rng(seed)) for seed in range(20)])
    times, expected = (light > DIMMEST / 2).mean(), 0.01
    assert times == pytest.approx(expected, abs=5 * math.sqrt(expected / light.size) + 1e-4)


def test_the_brightness_of_streaks_is_uniform_up_to_the_intensity():
    thin = Streaks(density=0.002, length=1, angle=0, width=0.1, intensity=0.5)
    light = np.concatenate([streaks(200, 200, thin, rng(seed)).ravel() for seed in range(8)])
    seen = light[light > 0.05]
    assert seen.max() <= 1
    mean, spread = 0.5 * (1 + DIMMEST) / 2, 0.5 * (1 - DIMMEST) / math.sqrt(12)
    assert seen.mean() == pytest.approx(mean, abs=5 * spread / math.sqrt(seen.size) + 1e-3)


def test_streaks_are_as_many_at_the_border_as_inside():
    light = np.mean([streaks(60, 60, USUAL, rng(seed)) for seed in range(100)], 0)
    border = np.concatenate([light[:3].ravel(), light[-3:].ravel(), light[:, :3].ravel()])
    assert border.mean() == pytest.approx(light[20:40, 20:40].mean(), rel=0.2)
