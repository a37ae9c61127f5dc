"""Power spectra and the ring against sums written out, and laws that they obey."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nasir.proxies import spectrum

PICTURES = arrays.arrays(
    np.float64,
    arrays.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=9),
    elements=st.floats(0, 1, width=32),
)

SIZES = [(5, 4), (4, 6), (16, 16), (17, 24)]


def frequencies(size: int) -> list[float]:
    """Cycles a pixel of each row of a shifted spectrum: the least first, zero at ``size // 2``."""
    return [(index - size // 2) / size for index in range(size)]


@pytest.mark.parametrize(("height", "width"), SIZES[:2])
def test_the_spectrum_is_the_sum_of_its_definition(height: int, width: int):
    picture = np.random.default_rng(0).random((2, height, width))
    power = spectrum.power_spectrum(picture)
    assert power.shape == picture.shape
    for (channel, row, column), value in np.ndenumerate(power):
        u, v = frequencies(height)[row], frequencies(width)[column]
        total = sum(
            picture[channel, y, x] * cmath.exp(-2j * math.pi * (u * y + v * x))
            for y in range(height)
            for x in range(width)
        )
        assert value == pytest.approx(abs(total / (height * width)) ** 2, rel=1e-9, abs=1e-20)


@settings(max_examples=30)
@given(PICTURES)
def test_the_power_sums_to_the_mean_square_of_each_channel(picture: np.ndarray):
    power = spectrum.power_spectrum(picture).sum((-2, -1))
    assert power == pytest.approx((picture**2).mean((-2, -1)), rel=1e-9, abs=1e-27)


@settings(max_examples=30)
@given(PICTURES)
def test_no_power_is_zero_so_that_decibels_are_finite(picture: np.ndarray):
    assert np.isfinite(np.log(spectrum.power_spectrum(0 * picture))).all()
    assert np.isfinite(np.log(spectrum.power_spectrum(picture))).all()


@settings(max_examples=30)
@given(PICTURES, st.integers(-8, 8), st.integers(-8, 8))
def test_moving_the_content_around_changes_no_power(picture: np.ndarray, down: int, across: int):
    moved = np.roll(picture, (down, across), (-2, -1))
    ours, theirs = spectrum.power_spectrum(moved), spectrum.power_spectrum(picture)
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-16)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_radius_of_an_entry_is_its_frequency_in_cycles_a_pixel(height: int, width: int):
    expected = [[math.hypot(u, v) for v in frequencies(width)] for u in frequencies(height)]
    assert spectrum.radius(height, width) == pytest.approx(np.array(expected), rel=1e-12)


@pytest.mark.parametrize(("height", "width"), [*SIZES, (40, 24), (25, 60)])
def test_the_ring_lies_between_its_two_circles(height: int, width: int):
    expected = [
        [0.05 <= math.hypot(u, v) < 0.1 for v in frequencies(width)] for u in frequencies(height)
    ]
    assert spectrum.strip(height, width).tolist() == expected


def test_the_ring_of_256_pixels_has_1552_entries():
    assert spectrum.strip(256, 256).sum() == 1552


@pytest.mark.parametrize("side", range(16, 70, 9))
def test_the_ring_of_any_picture_that_a_task_takes_has_entries(side: int):
    assert spectrum.strip(side, side).any()
    assert spectrum.strip(side, 16).any()


def test_a_wave_has_its_power_at_its_own_frequency():
    rows, columns = np.mgrid[:24, :32]
    wave = np.cos(2 * np.pi * (3 * rows / 24 + 5 * columns / 32))[None]
    power = spectrum.power_spectrum(wave)[0]
    assert [power[12 + 3, 16 + 5], power[12 - 3, 16 - 5]] == pytest.approx([0.25, 0.25])
    assert power.sum() == pytest.approx(0.5)


def test_spectra_are_of_the_output_and_of_the_picture(probe):
    rng = np.random.default_rng(0)
    output, picture = rng.random((2, 3, 12, 10))
    looked_at = probe(output, picture)
    assert np.array_equal(spectrum.of_output(looked_at), spectrum.power_spectrum(output))
    assert np.array_equal(spectrum.of_picture(looked_at), spectrum.power_spectrum(picture))


def test_the_spectrum_of_a_picture_is_computed_once(probe, monkeypatch: pytest.MonkeyPatch):
    looked_at = probe(np.ones((1, 8, 8)), np.zeros((1, 8, 8)))
    first = spectrum.of_picture(looked_at)
    monkeypatch.setattr(spectrum, "power_spectrum", None)
    assert spectrum.of_picture(looked_at) is first
