from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import attrs
import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage
from torch import nn

from nasir.core.errors import PictureError, SettingsError
from nasir.core.metrics import psnr
from nasir.core.search_space import Signature
from nasir.core.task import Sample
from nasir.settings import building
from nasir.tasks.dehaze import AIRLIGHT, Dehaze
from nasir.tasks.physics import haze
from nasir.tasks.physics.haze import dark_transmission
from nasir.testing import TaskContract


@pytest.mark.parametrize(
    ("size", "longest", "small"),
    [
        ((40, 20), 10, (10, 5)),
        ((40, 20), 30, (30, 15)),
        ((20, 40), 10, (5, 10)),
        ((40, 20), 40, (40, 20)),
        ((9, 9), 0, (9, 9)),
    ],
)
def test_a_picture_is_shrunk_to_its_longest_side(
    size: tuple[int, int], longest: int, small: tuple[int, int]
) -> None:
    assert haze.shrunk(np.ones((*size, 3), np.float32), longest) == pytest.approx(
        np.ones((*small, 3))
    )


def test_the_patch_of_the_dark_channel_has_three_pixels_at_least() -> None:
    x = torch.ones(1, 3, 9, 9)
    x[0, 1, 4, 4] = 0
    expected = torch.ones(1, 1, 9, 9)
    expected[..., 3:6, 3:6] = 0
    assert torch.equal(haze.dark_channel(x), expected)


class TestDehaze(TaskContract):
    """The two halves of the scene, one to search on and one to test on."""

    lower_is_better = frozenset({"transmission_error"})

    def make(self) -> Dehaze:
        return Dehaze(size=24)


class TestDehazeThinGreyHazeOnBothHalves(TestDehaze):
    splits_share_pictures = True

    def make(self) -> Dehaze:
        return Dehaze(size=24, search=0, beta=0.3, airlight=(0.9,), recovery="inversion")


class TestDehazeOfOneColour(TestDehaze):
    def make(self) -> Dehaze:
        return one_colour(size=24)


one_colour = partial(Dehaze, model="one_colour")


@pytest.fixture
def hazy(tmp_path: Path) -> str:
    """A hazy picture in a file: colours seen through ever less air, from top to bottom."""
    clear = np.random.default_rng(0).random((24, 30, 3)) * 0.6
    through = np.linspace(0.1, 0.9, 24)[:, None, None]
    picture = through * clear + (1 - through) * np.array([0.7, 0.8, 0.9])
    path = tmp_path / "hazy.png"
    Image.fromarray(np.uint8(255 * picture)).save(path)
    return str(path)


def ideal(sample: Sample) -> torch.Tensor:
    """The output that is the ground truth, but for the airlight's estimate."""
    return torch.cat([sample.clean, sample.transmission, torch.zeros_like(sample.clean)], 1)


def test_a_clear_view_seen_through_its_transmission_is_the_hazy_one():
    for name in ("search", "test"):
        (sample,) = one_colour(size=32, airlight=(0.7, 0.8, 0.9)).samples(name)
        airlight = torch.tensor([0.7, 0.8, 0.9]).view(1, 3, 1, 1)
        t = sample.transmission
        assert t.shape == (1, 1, 32, 32)
        torch.testing.assert_close(sample.degraded, t * sample.clean + (1 - t) * airlight)


def test_transmission_falls_exponentially_with_depth_over_its_mean():
    thin, thick = (one_colour(size=0, beta=b, search=0).samples("test") for b in (0.5, 1.5))
    for one, other in zip(thin, thick, strict=True):
        torch.testing.assert_close(one.transmission**3, other.transmission)
    _, _, disparity = skimage.data.stereo_motorcycle()
    z = 994.978 * 193.001 / (disparity + 31.086)  # Middlebury 2014: Z = f b / (d + doffs)
    known = np.isfinite(disparity)[65:435, :370]
    optical = -torch.log(thin[0].transmission)[0, 0].numpy() / 0.5
    ratio = optical[known] / z[65:435, :370][known]
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-4)
    whole = np.concatenate([-torch.log(s.transmission).flatten().numpy() / 0.5 for s in thin])
    assert whole.mean() == pytest.approx(1, abs=0.1)  # the views leave out some rows


def test_unknown_depths_are_those_of_a_nearest_known_pixel():
    _, _, disparity = skimage.data.stereo_motorcycle()
    known = np.isfinite(disparity)
    _, depth = haze._motorcycle()
    assert np.isfinite(depth).all()
    assert not known.all()
    distance = ndimage.distance_transform_edt(~known)
    rows, columns = np.nonzero(~known)
    for row, column in list(zip(rows, columns, strict=True))[::2000]:
        away = np.hypot(*(np.indices(known.shape) - np.array([row, column])[:, None, None]))
        nearest = known & np.isclose(away, distance[row, column])
        assert depth[row, column] in depth[nearest]


def test_the_splits_are_different_parts_of_the_scene():
    left, _, _ = skimage.data.stereo_motorcycle()
    task = one_colour(size=0)
    (one,), (other,) = task.samples("search"), task.samples("test")
    for sample, first in ((one, 0), (other, 371)):
        expected = left[65:435, first : first + 370] / 255
        np.testing.assert_allclose(sample.clean[0].permute(1, 2, 0), expected, atol=1e-6)
    assert one.name != other.name
    assert task.signature == Signature(3, 3)


def test_dark_channel_is_the_least_value_in_a_patch():
    x = torch.rand(1, 3, 90, 100, generator=torch.Generator().manual_seed(0))
    patch = 5  # 15 of 400 is 3.4 of 90
    expected = ndimage.minimum_filter(x[0].amin(0).numpy(), patch, mode="nearest")
    assert 2 * round(15 / 400 * 90 / 2) + 1 == patch
    np.testing.assert_array_equal(haze.dark_channel(x)[0, 0], expected)


@settings(max_examples=20, deadline=None)
@given(colour=st.tuples(*[st.floats(0.3, 1)] * 3), seed=st.integers(0, 9))
def test_the_airlight_is_found_where_nothing_is_seen_through_the_haze(
    colour: tuple[float, float, float], seed: int
):
    airlight = torch.tensor(colour).view(1, 3, 1, 1)
    dark = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(seed)) * 0.2
    through = torch.full((1, 1, 40, 40), 0.6)
    through[..., :10, :] = 0
    hazy = through * dark + (1 - through) * airlight
    torch.testing.assert_close(haze.estimated_airlight(hazy), airlight)


def test_the_airlight_is_not_taken_from_a_small_bright_thing():
    hazy = torch.full((1, 3, 40, 40), 0.2)
    hazy[..., :10, :] = 0.6
    hazy[..., 30, 30] = 1.0
    torch.testing.assert_close(haze.estimated_airlight(hazy), torch.full((1, 3, 1, 1), 0.6))


def test_a_true_output_has_no_error_with_a_true_airlight():
    task = one_colour(size=32, smoothness=0)
    (sample,) = task.samples("test")
    exact = attrs.evolve(sample, airlight=torch.tensor([0.8, 0.85, 0.9]).view(1, 3, 1, 1))
    assert task.loss(ideal(exact), exact).item() == pytest.approx(0, abs=1e-12)
    assert task.loss(ideal(sample), sample) > 1e-7  # its airlight is an estimate
    assert psnr(task.restored(ideal(exact), exact), sample.clean) == math.inf
    inverted = attrs.evolve(task, recovery="inversion").restored(ideal(exact), exact)
    assert psnr(inverted, sample.clean) > 100


def test_the_airlight_may_leave_its_estimate_at_a_price():
    task = one_colour(size=32, smoothness=0, anchor=0.5)
    (sample,) = task.samples("test")
    off = attrs.evolve(sample, airlight=torch.tensor([0.7, 0.75, 0.8]).view(1, 3, 1, 1))
    output = ideal(off)
    output[:, 4:] += 0.1  # back to the truth
    assert task.loss(output, off).item() == pytest.approx(0.5 * 0.1**2, rel=1e-4)


def test_a_rough_transmission_costs_its_squared_differences():
    rough, none = (one_colour(size=16, smoothness=s) for s in (0.3, 0))
    (sample,) = rough.samples("test")
    output = ideal(sample)
    columns = torch.arange(16) % 2
    output[:, 3] = 0.2 + 0.5 * columns  # neighbours in a row differ by 0.5
    extra = rough.loss(output, sample) - none.loss(output, sample)
    assert extra.item() == pytest.approx(0.3 * 0.5**2, rel=1e-4)


def test_pixels_outside_the_mask_are_ignored():
    task = one_colour(size=16)
    (sample,) = task.samples("test")
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :8] = 1
    other = sample.degraded + 0.3 * (1 - mask)
    masked = attrs.evolve(sample, mask=mask)
    changed = attrs.evolve(masked, degraded=other)
    output = ideal(sample) * 0.9
    assert torch.equal(task.loss(output, masked), task.loss(output, changed))
    assert task.loss(output, attrs.evolve(changed, mask=None)) > task.loss(output, sample) + 0.01


def test_transmission_error_is_that_of_the_haze_which_a_picture_amounts_to():
    task = one_colour(size=32)
    (sample,) = task.samples("test")
    unrestored = task.metrics(sample.degraded, sample)["transmission_error"]
    all_seen_through = (1 - sample.transmission).square().mean().sqrt().item()
    assert unrestored == pytest.approx(all_seen_through, rel=1e-3)


def test_the_networks_have_inputs_of_their_own_and_the_airlight_starts_at_its_estimate():
    class Constant(nn.Module):
        def __init__(self, signature: Signature) -> None:
            super().__init__()
            self.signature = signature

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert x.shape[1] == self.signature.in_channels
            return x.mean(1, keepdim=True).expand(-1, self.signature.out_channels, -1, -1)

    task = one_colour(size=16)
    module = task.assemble(Constant, Signature(4, 3))
    x = torch.cat([torch.full((2, 4, 16, 16), value) for value in (0.25, 0.75)], 1)
    output = module(x)
    assert task.networks == 2
    assert output.shape == (2, 7, 16, 16)
    assert output[0, :, 0, 0].tolist() == [0.25] * 3 + [0.75] + [0] * 3
    output[:, 4:].sum().backward()
    assert [p.shape for p in module.parameters() if p.grad is not None] == [(1, 3, 1, 1)]


def test_hazy_pictures_are_restored_and_the_scene_searched_on(hazy: str):
    task = one_colour(images=(hazy,), degraded=True, size=20)
    (sample,) = task.samples("test")
    assert sample.clean is None
    assert sample.degraded.shape == (1, 3, 16, 20)
    assert task.metrics(sample.degraded, sample) == {}
    assert [s.name for s in task.samples("search")] == ["motorcycle-left"]
    blind = one_colour(images=(hazy,), degraded=True, search=0)
    assert [s.name for s in blind.samples("search")] == ["hazy"]


def test_a_given_airlight_takes_the_estimates_place(hazy: str):
    estimated, known = (
        one_colour(images=(hazy,), degraded=True, airlight=a).samples("test")[0].airlight.flatten()
        for a in (None, 0.5)
    )
    np.testing.assert_allclose(estimated, [0.7, 0.8, 0.9], atol=0.1)
    assert known.tolist() == [0.5, 0.5, 0.5]


def test_extra_fields_follow_a_sample_to_its_device():
    (sample,) = one_colour(size=16).samples("test")
    moved = sample.to("meta")
    assert moved.airlight.is_meta
    assert moved.transmission.is_meta
    assert not sample.airlight.is_meta


def test_clear_photographs_are_refused_for_want_of_depth(hazy: str):
    with pytest.raises(SettingsError, match=r"depth: give hazy ones with task\.degraded=true"):
        one_colour(images=(hazy,))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_grey_picture_is_refused(tmp_path: Path, mode: str):
    values = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
    Image.fromarray(values).convert(mode).save(tmp_path / "grey.png")
    task = one_colour(images=(str(tmp_path / "grey.png"),), degraded=True)
    with pytest.raises(PictureError, match="grey is grey: dehazing needs colour"):
        task.samples("test")


@pytest.mark.parametrize("airlight", [None, (100 / 255, 150 / 255, 200 / 255)])
def test_a_picture_of_nothing_but_haze_is_refused(
    tmp_path: Path, airlight: tuple[float, ...] | None
):
    Image.new("RGB", (20, 20), (100, 150, 200)).save(tmp_path / "flat.png")
    task = one_colour(images=(str(tmp_path / "flat.png"),), degraded=True, airlight=airlight)
    with pytest.raises(PictureError, match="flat has the colour of the airlight everywhere"):
        task.samples("test")


def test_haze_so_thick_that_nothing_is_seen_is_refused():
    with pytest.raises(PictureError, match=r"motorcycle-left has the colour .* task\.beta"):
        one_colour(size=16, beta=50).samples("test")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"airlight": [0.0]}, r"one or three numbers in \(0, 1\]: \[0\.0\]"),
        ({"airlight": [0.5, 0.5, 1.1]}, "one or three numbers"),
        ({"airlight": [0.5, 0.5]}, "one or three numbers"),
        ({"airlight": [math.nan]}, "one or three numbers"),
        ({"airlight": []}, "one or three numbers"),
        ({"beta": 0}, "'beta' must be > 0"),
        ({"beta": math.nan}, "'beta' must be > 0"),
        ({"color": "grey"}, "'color' must be in"),
        ({"size": 8}, "'size' must be 0 or >= 16"),
        ({"smoothness": math.inf}, "'smoothness' must be < inf"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(wrong: dict[str, object], message: str):
    with pytest.raises(SettingsError, match=message) as refusal:
        building.structure(Dehaze, wrong, "task")
    assert "\n" not in str(refusal.value)


def test_one_number_is_an_airlight_on_the_command_line():
    assert building.structure(Dehaze, {"airlight": 0.9}, "task").airlight == (0.9,)


def test_a_coarse_copy_keeps_the_airlight_of_the_whole(hazy: str):
    task = one_colour(images=hazy, degraded=True, search=0, size=0, coarse_side=16)
    (sample,) = task.samples("test")
    coarse = task.coarse(sample)
    assert max(coarse.degraded.shape[-2:]) == 16
    assert torch.equal(coarse.airlight, sample.airlight)
    assert one_colour(images=hazy, degraded=True, size=0).coarse(sample) is None


def test_a_true_coarse_output_restores_the_whole_scene():
    task = one_colour(size=0, coarse_side=64)
    (sample,) = task.samples("test")
    coarse = task.coarse(sample)
    small = torch.nn.functional.interpolate(
        sample.transmission, coarse.degraded.shape[-2:], mode="area"
    )
    drift = torch.tensor(AIRLIGHT).view(1, 3, 1, 1) - coarse.airlight
    output = torch.cat([coarse.degraded, small, drift.expand_as(coarse.degraded)], 1)
    before = task.metrics(sample.degraded, sample)["psnr"]
    assert task.metrics(task.refined(output, coarse, sample), sample)["psnr"] > before + 10


def test_the_dark_channel_draws_the_transmission(hazy: str):
    given = {"images": hazy, "degraded": True, "search": 0}
    plain, drawn = (one_colour(**given, dark=dark) for dark in (0, 0.5))
    (sample,) = plain.samples("test")
    estimate = dark_transmission(sample.degraded, sample.airlight)
    colour = torch.zeros_like(sample.degraded)
    output = torch.cat([sample.degraded, estimate + 0.1, colour], 1)
    more = drawn.loss(output, sample) - plain.loss(output, sample)
    assert more.item() == pytest.approx(0.5 * 0.01, rel=1e-3)


class Constant(nn.Module):
    """The mean of its input, on all channels."""

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        self.signature = signature

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(1, keepdim=True).expand(-1, self.signature.out_channels, -1, -1)


def test_double_dip_has_networks_for_picture_transmission_and_airlight():
    task = Dehaze(size=16)
    module = task.assemble(Constant, Signature(4, 3))
    x = torch.cat([torch.full((1, 4, 16, 16), value) for value in (0.25, 0.5, 0.75)], 1)
    assert task.networks == 3
    assert module(x)[0, :, 0, 0].tolist() == [0.25] * 3 + [0.5] + [0.75] * 3


def true_output(sample: Sample) -> torch.Tensor:
    """The picture, the transmission and the airlight of the synthetic haze, which varies."""
    airlight = torch.tensor(AIRLIGHT).view(1, 3, 1, 1).expand_as(sample.clean)
    return torch.cat([sample.clean, sample.transmission, airlight], 1)


def test_double_dip_returns_the_inversion_with_a_refined_transmission():
    """The transmission of the scene has its picture's edges: the filter hardly changes it."""
    task = Dehaze(size=64, smoothness=0, anchor=0)
    (sample,) = task.samples("test")
    output = true_output(sample)
    assert task.loss(output, sample).item() == pytest.approx(0, abs=1e-12)
    assert torch.equal(attrs.evolve(task, recovery="prior").restored(output, sample), sample.clean)
    rough = output.clone()
    rough[:, 3] = (rough[:, 3] + 0.1 * torch.randn(1, 64, 64)).clamp(0.1, 1)
    inverted, refined = (
        psnr(attrs.evolve(task, recovery=how).restored(rough, sample), sample.clean)
        for how in ("inversion", "auto")
    )
    assert refined > inverted + 3


def test_double_dip_asks_for_a_small_laplacian_of_the_transmission():
    """A plane costs nothing; of t = x^2 / 225 the Laplacian is 2 / 225."""
    task, free = (Dehaze(size=16, smoothness=s, anchor=0) for s in (0.3, 0))
    (sample,) = task.samples("test")
    output, across = true_output(sample), torch.arange(16.0)
    for t, laplacian in ((across / 15, 0.0), (across**2 / 225, 2 / 225)):
        output[:, 3] = t
        extra = task.loss(output, sample) - free.loss(output, sample)
        assert extra.item() == pytest.approx(0.3 * laplacian**2, rel=1e-2, abs=1e-8)


def test_a_map_of_the_airlight_is_enlarged_with_a_coarse_fit():
    task = Dehaze(size=0, coarse_side=64)
    (sample,) = task.samples("test")
    coarse = task.coarse(sample)
    small = torch.nn.functional.interpolate(true_output(sample), coarse.degraded.shape[-2:])
    before = task.metrics(sample.degraded, sample)["psnr"]
    assert task.metrics(task.refined(small, coarse, sample), sample)["psnr"] > before + 10
