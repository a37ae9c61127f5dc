"""The proxies of ISNAS-DIP against the published program's figures, closed forms and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from made_tasks import super_resolution
from scipy.stats import wasserstein_distance
from torch import nn

from nasir.core.errors import SettingsError
from nasir.core.proxy import Probe
from nasir.proxies import spectrum
from nasir.proxies.spectra import (
    Bandwidth99,
    PsdDbMse,
    PsdDbMseOfProgram,
    PsdDbStripMse,
    PsdDbStripMseOfProgram,
    PsdStripHistEmd,
    PsdStripHistEmdOfProgram,
)
from nasir.settings import building

OF_THE_PICTURE = [
    PsdDbMse,
    PsdDbStripMse,
    PsdStripHistEmd,
    PsdDbMseOfProgram,
    PsdDbStripMseOfProgram,
    PsdStripHistEmdOfProgram,
]
IN_DECIBELS = [PsdDbMse, PsdDbStripMse, PsdDbMseOfProgram, PsdDbStripMseOfProgram]


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).random(shape)


def point(height: int, width: int) -> np.ndarray:
    """One bright pixel: the same power at every frequency."""
    picture = np.zeros((1, height, width))
    picture[0, 1, 2] = 1
    return picture


def wave(side: int, down: int, across: int) -> np.ndarray:
    """A cosine of so many cycles down and across, without a mean."""
    rows, columns = np.mgrid[:side, :side] / side
    return np.cos(2 * np.pi * (down * rows + across * columns))[None]


def ring(picture: np.ndarray) -> np.ndarray:
    """The powers within the ring, one after another."""
    power = spectrum.power_spectrum(picture)
    return power[:, spectrum.strip(*picture.shape[-2:])].ravel()


@pytest.mark.parametrize(
    ("proxy", "value"),
    [
        (PsdDbMseOfProgram(), 329.108366),
        (PsdDbStripMseOfProgram(), 343.537521),
        (PsdStripHistEmdOfProgram(), 13178.6467),
        (Bandwidth99(), 0.8651046),
    ],
)
def test_the_published_program_has_the_same_value(probe, proxy, value: float):
    both = probe(noise(0, 1, 256, 256), noise(1, 1, 256, 256))
    assert proxy.value(both) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("proxy", OF_THE_PICTURE)
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 24, 40)])
def test_an_output_that_is_the_picture_is_at_no_distance(probe, proxy, shape: tuple[int, ...]):
    assert proxy().value(probe(noise(0, *shape), noise(0, *shape))) == 0
    assert proxy().value(probe(noise(1, *shape), noise(0, *shape))) > 0


@pytest.mark.parametrize("proxy", [PsdDbMse, PsdDbStripMse, PsdStripHistEmd, Bandwidth99])
def test_less_is_better(proxy):
    assert not proxy.larger_is_better


@pytest.mark.parametrize("gain", [0.1, 0.5, 3.0])
@pytest.mark.parametrize("proxy", IN_DECIBELS)
def test_a_gain_moves_every_decibel_by_the_same(probe, proxy, gain: float):
    picture = noise(0, 3, 32, 24)
    logarithm = math.log10 if proxy().logarithm == "10" else math.log
    expected = (20 * logarithm(gain)) ** 2
    assert proxy().value(probe(gain * picture, picture)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("paper", "program"),
    [(PsdDbMse, PsdDbMseOfProgram), (PsdDbStripMse, PsdDbStripMseOfProgram)],
)
def test_the_logarithm_changes_no_more_than_a_constant_factor(probe, paper, program):
    for seed in range(3):
        both = probe(noise(seed, 1, 32, 32), noise(9, 1, 32, 32))
        expected = math.log(10) ** 2 * paper().value(both)
        assert program().value(both) == pytest.approx(expected, rel=1e-12)
        assert paper(logarithm="e").value(both) == program().value(both)


@pytest.mark.parametrize("shape", [(1, 17, 24), (3, 20, 16)])
def test_the_mean_square_is_over_all_entries_or_those_of_the_ring(probe, shape: tuple[int, ...]):
    ours, theirs = noise(0, *shape), noise(1, *shape)
    squares = {False: [], True: []}
    powers = (spectrum.power_spectrum(x) for x in (ours, theirs))
    inside = spectrum.strip(*shape[-2:])
    for (_, row, column), (a, b) in _entries(*powers):
        squares[bool(inside[row, column])].append((10 * math.log10(a) - 10 * math.log10(b)) ** 2)
    everything = squares[True] + squares[False]
    both = probe(ours, theirs)
    assert PsdDbMse().value(both) == pytest.approx(sum(everything) / len(everything))
    assert PsdDbStripMse().value(both) == pytest.approx(sum(squares[True]) / len(squares[True]))


def _entries(ours: np.ndarray, theirs: np.ndarray):
    return ((index, (value, theirs[index])) for index, value in np.ndenumerate(ours))


def test_what_differs_outside_the_ring_alone_does_not_count_there(probe):
    picture = point(32, 32)
    changed = picture + wave(32, 0, 8)
    assert spectrum.strip(32, 32)[16, 16 + 8] == False  # noqa: E712 (numpy's)
    for proxy in (PsdDbStripMse(), PsdStripHistEmd()):
        assert proxy.value(probe(changed, picture)) == pytest.approx(0, abs=1e-20)
    assert PsdDbMse().value(probe(changed, picture)) > 0.1


@pytest.mark.parametrize("proxy", [PsdDbMse, PsdDbStripMse])
def test_colour_counts_as_the_mean_of_the_channels(probe, proxy):
    ours, theirs = noise(0, 3, 24, 24), noise(1, 3, 24, 24)
    alone = [proxy().value(probe(ours[c : c + 1], theirs[c : c + 1])) for c in range(3)]
    assert proxy().value(probe(ours, theirs)) == pytest.approx(sum(alone) / 3)


@pytest.mark.parametrize("gain", [0.05, 0.3, 0.5, 0.9, 1.0, 2.0])
def test_earth_moves_as_many_bins_as_the_power_does(probe, gain: float):
    picture = point(32, 24)
    moved = 74 - min(math.floor(75 * gain**2), 74)
    value = PsdStripHistEmd().value(probe(gain * picture, picture))
    assert value == pytest.approx(moved / 75)


@pytest.mark.parametrize("bins", [2, 75])
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 24, 40)])
def test_earth_is_moved_between_the_entries_at_their_bins_centres(probe, bins: int, shape):
    ours, theirs = noise(0, *shape), noise(1, *shape)
    greatest = ring(theirs).max()
    places = [
        (np.minimum(np.floor(bins * ring(x) / greatest), bins - 1) + 0.5) / bins
        for x in (ours, theirs)
    ]
    value = PsdStripHistEmd(bins=bins).value(probe(ours, theirs))
    assert value == pytest.approx(wasserstein_distance(*places), rel=1e-9)


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 24, 40)])
def test_the_published_program_compares_the_heights_of_two_densities(probe, shape):
    ours, theirs = noise(0, *shape), noise(1, *shape)
    heights = [sorted(_density(ring(x), 100)) for x in (ours, theirs)]
    expected = np.abs(np.subtract(*heights)).mean()  # between equally many samples
    value = PsdStripHistEmdOfProgram().value(probe(ours, theirs))
    assert value == pytest.approx(expected, rel=1e-9)


def _density(values: np.ndarray, bins: int) -> np.ndarray:
    edges = np.linspace(values.min(), values.max(), bins + 1)
    bin_of = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
    return np.bincount(bin_of, minlength=bins) / len(values) / (edges[1] - edges[0])


def circle_around(rho: float) -> int:
    """The first circle that holds a frequency of `rho` cycles a pixel, of 99 up to the corner."""
    return math.ceil(99 * rho / math.sqrt(0.5))


@pytest.mark.parametrize(("down", "across"), [(0, 1), (3, 0), (5, 7), (20, 31)])
def test_the_bandwidth_of_a_wave_ends_in_the_circle_around_its_frequency(
    probe, down: int, across: int
):
    circle = circle_around(math.hypot(down, across) / 64)
    value = Bandwidth99().value(probe(wave(64, down, across), noise(0, 1, 64, 64)))
    assert value == pytest.approx((circle - 0.01) / 99, rel=1e-6)


def test_the_bandwidth_of_one_grey_is_zero_and_no_bandwidth_is_above_one(probe):
    picture = noise(0, 1, 32, 32)
    assert Bandwidth99().value(probe(0 * picture + 0.5, picture)) == 0
    corner = (-1.0) ** np.add.outer(np.arange(32), np.arange(32))[None]
    assert 0.99 < Bandwidth99().value(probe(corner, picture)) <= 1


def test_the_bandwidth_of_a_flat_spectrum_is_where_99_percent_of_the_area_is(probe):
    height, width = 24, 40
    value = Bandwidth99().value(probe(point(height, width), noise(0, 1, height, width)))
    rho = spectrum.radius(height, width).ravel()
    shares = [np.mean(rho <= math.sqrt(0.5) * k / 99 + 1e-12) for k in range(100)]
    above = next(k for k in range(100) if shares[k] >= 0.99)
    part = (0.99 - shares[above - 1]) / (shares[above] - shares[above - 1])
    assert value == pytest.approx((above - 1 + part) / 99)


def test_the_bandwidth_ignores_gain_and_picture(probe):
    output = noise(0, 1, 32, 24)
    value = Bandwidth99().value(probe(output, noise(1, 1, 32, 24)))
    assert Bandwidth99().value(probe(7 * output, noise(2, 1, 32, 24))) == pytest.approx(value)


def test_the_bandwidth_of_colour_is_that_of_the_channels_mean_power(probe):
    coarse, fine = wave(64, 0, 2), wave(64, 0, 20)
    both = np.concatenate([coarse, fine])
    circle = circle_around(20 / 64)  # the inner half is 50 %: 0.98 of the last step is left
    value = Bandwidth99().value(probe(both, both))
    assert value == pytest.approx((circle - 0.02) / 99, rel=1e-6)


@pytest.mark.parametrize("proxy", [*OF_THE_PICTURE, Bandwidth99])
def test_an_output_without_any_power_has_a_value(probe, proxy):
    picture = noise(0, 1, 24, 24)
    assert math.isfinite(proxy().value(probe(0 * picture, picture)))


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("downsampling", ["bicubic", "lanczos2"])
def test_an_enlarged_output_is_downsampled_before_it_is_scored(scale: int, downsampling: str):
    task = super_resolution(scale=scale, downsampling=downsampling, size=96)
    clean = torch.from_numpy(noise(0, 1, 1, 96, 64)).float()
    sample = task.degrade("noise", clean)
    perfect = Probe(nn.Identity(), clean, sample, task)
    assert perfect.output.shape == sample.degraded.shape == (1, 1, 96 // scale, 64 // scale)
    assert all(proxy().value(perfect) < 1e-6 for proxy in (PsdDbMse, PsdDbStripMse))
    worse = Probe(nn.Identity(), 1 - clean.flip(-1), sample, task)
    assert PsdDbStripMse().value(worse) > 0.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "psd_db_mse", "logarithm": "2"}, "logarithm"),
        ({"name": "psd_strip_hist_emd", "bins": 1}, "bins"),
        ({"name": "psd_strip_hist_emd", "bin": 75}, "did you mean 'proxy.bins'"),
    ],
)
def test_a_wrong_setting_is_refused(settings: dict[str, object], message: str):
    with pytest.raises(SettingsError, match=message):
        building.make("proxy", settings)
