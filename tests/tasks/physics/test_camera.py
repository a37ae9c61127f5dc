from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2xyz
from torch import Tensor

from nasir.tasks.physics import camera

PATTERN = ["RG", "GB"]
"""The Bayer pattern, as photographers write it."""


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def noise_picture(height: int, width: int, channels: int = 3) -> Tensor:
    return torch.from_numpy(rng().random((1, channels, height, width)))


def flat(*values: float, side: int = 256) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1).expand(-1, -1, side, side)


def test_the_inverse_tone_curve_is_that_of_scikit_image():
    values = np.linspace(0, 1, 1001)
    luminance = rgb2xyz(np.repeat(values[:, None], 3, 1))[:, 1]
    ours = camera.linear(torch.from_numpy(values))
    np.testing.assert_allclose(ours, luminance, atol=1e-6)


def test_the_tone_curve_undoes_its_inverse():
    values = torch.linspace(0, 1, 1001, dtype=torch.float64)
    torch.testing.assert_close(camera.toned(camera.linear(values)), values, rtol=0, atol=1e-7)


@pytest.mark.parametrize("size", [(6, 8), (7, 5)])
def test_each_photosite_sees_the_colour_of_the_bayer_pattern(size: tuple[int, int]):
    picture = noise_picture(*size)
    raw = camera.mosaicked(picture)
    assert raw.shape == (1, 1, *size)
    for i in range(size[0]):
        for j in range(size[1]):
            colour = "RGB".index(PATTERN[i % 2][j % 2])
            assert raw[0, 0, i, j] == picture[0, colour, i, j]


def malvar(raw: np.ndarray, i: int, j: int, colour: str) -> float:
    """Malvar, He and Cutler (2004), equations 2 to 7, one photosite at a time.

    The bilinear estimate plus a gain times the gradient of the colour that is seen there: gain
    1/2 for green, 5/8 for red and blue at green, 3/4 for red at blue and blue at red.
    """
    height, width = raw.shape

    def at(di: int, dj: int) -> float:
        y, x = abs(i + di), abs(j + dj)
        return raw[min(y, 2 * (height - 1) - y), min(x, 2 * (width - 1) - x)]

    def mean(*places: tuple[int, int]) -> float:
        return sum(at(*place) for place in places) / len(places)

    cross, diagonal = [(-1, 0), (1, 0), (0, -1), (0, 1)], [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    seen = PATTERN[i % 2][j % 2]
    if seen == colour:
        return at(0, 0)
    far = at(0, 0) - mean((-2, 0), (2, 0), (0, -2), (0, 2))
    if colour == "G":
        return mean(*cross) + far / 2
    if seen != "G":
        return mean(*diagonal) + 3 / 4 * far
    along = [(0, -1), (0, 1)] if colour in PATTERN[i % 2] else [(-1, 0), (1, 0)]
    (ai, aj), (bi, bj) = along
    same_line = [(2 * ai, 2 * aj), (2 * bi, 2 * bj)]
    other_line = [(2 * aj, 2 * ai), (2 * bj, 2 * bi)]
    near = sum(at(*place) for place in [*same_line, *diagonal]) / 5
    gradient = at(0, 0) - near + sum(at(*place) for place in other_line) / 10
    return mean(*along) + 5 / 8 * gradient


@pytest.mark.parametrize("size", [(16, 16), (9, 12), (5, 7), (3, 3)])
def test_demosaicking_is_the_formula_of_the_paper(size: tuple[int, int]):
    raw = noise_picture(*size, channels=1)
    expected = [
        [[malvar(raw[0, 0].numpy(), i, j, c) for j in range(size[1])] for i in range(size[0])]
        for c in "RGB"
    ]
    np.testing.assert_allclose(camera.demosaicked(raw)[0], expected, atol=1e-12)


def test_demosaicking_keeps_what_was_seen():
    raw = noise_picture(10, 12, channels=1)
    assert torch.equal(camera.mosaicked(camera.demosaicked(raw)), raw)


def test_colour_ramps_survive_the_mosaic_inside():
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(14.0), indexing="ij")
    slopes = [(0.01, 0.02, 0.1), (0.03, -0.01, 0.5), (-0.02, 0.01, 0.7)]
    ramps = torch.stack([a * rows + b * columns + c for a, b, c in slopes])[None].double()
    seen = camera.demosaicked(camera.mosaicked(ramps))
    torch.testing.assert_close(seen[..., 2:-2, 2:-2], ramps[..., 2:-2, 2:-2], rtol=0, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_without_noise_a_flat_picture_of_8_bits_comes_back(channels: int):
    for level in range(256):
        picture = flat(*[level / 255] * channels, side=4).float()
        assert torch.equal(camera.photograph(picture, 0, 0, rng()), picture)


def test_without_noise_any_grey_picture_of_8_bits_comes_back():
    values = rng().integers(0, 256, (1, 1, 20, 24))
    picture = torch.from_numpy(values).float() / 255
    assert torch.equal(camera.photograph(picture, 0, 0, rng()), picture)


def test_colour_without_noise_has_what_demosaicking_leaves():
    picture = noise_picture(20, 24).float()
    seen = camera.photograph(picture, 0, 0, rng())
    light = camera.demosaicked(camera.mosaicked(camera.linear(picture.double())))
    assert not torch.equal(seen, picture)
    expected = camera.toned(light.clamp(0, 1))
    torch.testing.assert_close(seen.double(), expected, rtol=0, atol=0.5 / 255 + 1e-6)


def rounding_variance(light: float) -> float:
    """Of light, where values are rounded to 8 bits: 1/12 of the step's square, as light."""
    slope = 1.055 / 2.4 * light ** (1 / 2.4 - 1)
    return (1 / 255 / slope) ** 2 / 12


@pytest.mark.parametrize("value", [0.4, 0.55, 0.7])
@pytest.mark.parametrize(("shot", "read"), [(0.002, 0.0), (0.0, 0.0005), (0.001, 0.0003)])
def test_the_light_of_grey_has_noise_of_the_variance_that_is_asked_for(
    value: float, shot: float, read: float
):
    light = ((value + 0.055) / 1.055) ** 2.4
    seen = camera.linear(camera.photograph(flat(value), shot, read, rng()).double())
    variance, count = shot * light + read, seen.numel()
    assert seen.mean().item() == pytest.approx(light, abs=5 * math.sqrt(variance / count))
    measured = seen.var().item() - rounding_variance(light)
    assert measured == pytest.approx(variance, rel=5 * math.sqrt(2 / count))
    neighbours = ((seen - light)[..., 1:] * (seen - light)[..., :-1]).mean() / variance
    assert abs(neighbours) < 5 / math.sqrt(count)


OWN_WEIGHTS = {
    "green at red": {"R": 20, "G": 16},
    "green at blue": {"B": 20, "G": 16},
    "red at green": {"G": 31.5, "R": 32},
    "blue at green": {"G": 31.5, "B": 32},
    "red at blue": {"B": 45, "R": 16},
    "blue at red": {"R": 45, "B": 16},
    "red at red": {"R": 64},
    "green at green": {"G": 64},
    "blue at blue": {"B": 64},
}
"""Sums of squares of the 5 x 5 filters of Malvar, He and Cutler, by the colour they weigh; / 64."""

SITES = {"red": [(0, 0)], "green": [(0, 1), (1, 0)], "blue": [(1, 1)]}


@pytest.mark.parametrize("case", OWN_WEIGHTS)
def test_the_noise_of_a_colour_is_what_demosaicking_makes_of_its_photosites(case: str):
    """The noise of a photosite goes with the light of the colour that it sees."""
    values = dict(zip("RGB", (0.75, 0.6, 0.45), strict=True))
    light = {c: ((v + 0.055) / 1.055) ** 2.4 for c, v in values.items()}
    shot, read = 0.0015, 0.0001
    seen = camera.photograph(flat(*values.values(), side=512), shot, read, rng()).double()
    colour, place = case.split(" at ")
    channel = "RGB".index(colour[0].upper())
    own = light[colour[0].upper()]
    noise = camera.linear(seen[0, channel, 2:-2, 2:-2]) - own
    expected = sum(w * (shot * light[c] + read) for c, w in OWN_WEIGHTS[case].items()) / 64
    for i, j in SITES[place]:
        part = noise[i::2, j::2]
        # a photosite's neighbours of the same kind share some of its noise: twice the bound
        bound = 5 * math.sqrt(2 / part.numel()) * 2
        assert part.square().mean().item() - rounding_variance(own) == pytest.approx(
            expected, rel=bound
        )
        assert abs(part.mean()) < 10 * math.sqrt(expected / part.numel())


def test_the_noise_of_colour_is_spread_and_that_of_grey_is_white():
    grey, colour = (
        camera.linear(camera.photograph(flat(*[0.5] * n), 0.001, 0.0, rng()).double())[0, 0]
        for n in (1, 3)
    )

    def correlation(x: Tensor) -> float:
        return torch.corrcoef(torch.stack([x[:, 1:].flatten(), x[:, :-1].flatten()]))[0, 1].item()

    assert abs(correlation(grey)) < 5 / 256
    assert correlation(colour) > 0.2


def test_what_a_camera_gives_is_float32_of_8_bits_in_range():
    seen = camera.photograph(noise_picture(32, 40).float(), 3.0, 0.5, rng())
    assert seen.dtype == torch.float32
    assert seen.shape == (1, 3, 32, 40)
    assert (seen.min(), seen.max()) == (0, 1)
    assert torch.equal(seen, (seen * 255).round() / 255)


def test_a_photograph_depends_on_its_generator_alone():
    picture = noise_picture(16, 16).float()
    first, again, other = (camera.photograph(picture, 0.01, 0.001, rng(n)) for n in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_dark_places_are_the_noisier_after_the_tone_curve():
    """Shot noise grows as the root of the light, and the tone curve's slope falls faster."""
    dark, bright = (
        camera.photograph(flat(value), 0.001, 0.0001, rng()).std() for value in (0.2, 0.8)
    )
    assert dark > 1.5 * bright


@pytest.mark.parametrize("gains", [(1.0, 1.0, 1.0), (2.2, 1.0, 1.7)])
def test_white_balance_gives_flat_pictures_back(gains: tuple[float, float, float]):
    picture = flat(0.2, 0.5, 0.8, side=8).float()
    seen = camera.photograph(picture, 0, 0, rng(), gains)
    torch.testing.assert_close(seen, (picture * 255).round() / 255, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("colour", "gain"), [(0, 2.2), (1, 1.0), (2, 1.7)])
def test_white_balance_raises_the_noise_of_colours_with_less_light(colour: int, gain: float):
    """Read noise of photosites is multiplied by the gain; half its places are taken for red."""
    picture = flat(0.5, 0.5, 0.5)
    gains = (2.2, 1.0, 1.7)
    seen = camera.linear(camera.photograph(picture, 0, 1e-5, rng(), gains).double())
    light = ((0.5 + 0.055) / 1.055) ** 2.4
    own = {0: (0, 0), 1: (0, 1), 2: (1, 1)}[colour]
    noise = (seen[0, colour] - light)[own[0] :: 2, own[1] :: 2]
    variance = noise.var().item() - rounding_variance(light)
    assert variance == pytest.approx(gain**2 * 1e-5, rel=6 * math.sqrt(2 / noise.numel()))


def test_read_noise_goes_with_shot_noise_as_in_cameras():
    assert camera.usual_read(0.01) == pytest.approx(0.01**2.18 * math.e**1.2, rel=1e-6)


@pytest.mark.parametrize("sigma", [0.8, 2.0])
def test_chroma_is_smoothed_as_scipy_does_and_luma_is_kept(sigma: float):
    picture = noise_picture(24, 30)
    weights = np.array([0.299, 0.587, 0.114])
    luma = np.tensordot(weights, picture[0].numpy(), 1)
    expected = [
        luma + gaussian_filter(x - luma, sigma, mode="nearest", radius=math.ceil(3 * sigma))
        for x in picture[0].numpy()
    ]
    seen = camera.smooth_chroma(picture, sigma)
    np.testing.assert_allclose(seen[0], expected, atol=1e-9)
    np.testing.assert_allclose(np.tensordot(weights, seen[0].numpy(), 1), luma, atol=1e-9)


def test_smoothed_chroma_has_less_colour_noise():
    noisy = [
        camera.photograph(flat(0.4, 0.4, 0.4), 0.01, 0, rng(), chroma=chroma)[0]
        for chroma in (0.0, 1.5)
    ]
    spreads = [(picture[0] - picture[1]).std() for picture in noisy]
    assert spreads[1] < spreads[0] / 2
