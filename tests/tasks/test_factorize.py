from __future__ import annotations

import math
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nasir.core.errors import PictureError, SettingsError
from nasir.core.hints import Hints
from nasir.core.metrics import psnr
from nasir.core.search_space import Signature
from nasir.settings import building
from nasir.tasks.factorize import Factorize
from nasir.tasks.physics.light_transport import (
    averaged,
    factors,
    fitted,
    scaled_product,
    standardised_totals,
    tracks,
)
from nasir.testing import TaskContract


class TestFactorize(TaskContract):
    """Scenes of carried pictures and drawn tracks, one a split."""

    def make(self) -> Factorize:
        return Factorize(size=24, places=8)


class TestFactorizeNoisyAndAsManyPlacesAsSensors(TestFactorize):
    def make(self) -> Factorize:
        return Factorize(size=16, places=16, sigma=5)


class TestFactorizeMoreTimesThanSensors(TestFactorize):
    def make(self) -> Factorize:
        return Factorize(size=16, times=40, places=16)


class TestFactorizeGivenPictures(TaskContract):
    """One scene, which serves for both."""

    splits_share_pictures = True

    @pytest.fixture(autouse=True)
    def _pictures(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        save(tmp_path / "t.png", rng(0).random((40, 30)))
        save(tmp_path / "l.png", rng(1).random((20, 50)))

    def make(self) -> Factorize:
        transport, hidden = (str(self.folder / f"{name}.png") for name in "tl")
        return Factorize(transport=transport, hidden=hidden, size=20, places=10)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def save(path: Path, values: np.ndarray) -> None:
    Image.fromarray(np.uint8(np.rint(values * 255))).save(path)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(rng(seed).random(shape, dtype=np.float32))


@pytest.fixture
def scene(tmp_path: Path) -> tuple[np.ndarray, np.ndarray, Factorize]:
    """T, L and the task, without any resizing."""
    t, v = rng(0).integers(0, 256, (16, 16)), rng(1).integers(0, 256, (16, 16))
    save(tmp_path / "t.png", t / 255)
    save(tmp_path / "l.png", v / 255)
    files = {"transport": str(tmp_path / "t.png"), "hidden": str(tmp_path / "l.png")}
    return t / 255, v / 255, Factorize(**files, size=16, places=16)


def test_what_is_observed_is_the_product_over_its_maximum(scene):
    transport, video, task = scene
    (sample,) = task.samples("test")
    product = transport @ video
    np.testing.assert_allclose(sample.degraded[0, 0], product / product.max(), rtol=1e-5)
    np.testing.assert_allclose(sample.clean[0, 0], video, atol=1e-6)
    assert sample.name == "t-l"
    assert task.samples("search")[0].name == "t-l"


def test_true_factors_have_no_loss_and_are_restored(scene):
    transport, video, task = scene
    (sample,) = task.samples("test")
    output = torch.from_numpy(np.stack([transport, video])[None]).float()
    assert task.loss(output, sample).item() == pytest.approx(0, abs=1e-10)
    assert psnr(task.restored(output, sample), sample.clean) > 100


def test_noise_has_its_deviation():
    clear, noisy = (Factorize(size=256, sigma=s).samples("test")[0] for s in (0, 20))
    added = (noisy.degraded - clear.degraded) * 255
    assert added.std().item() == pytest.approx(20, rel=5 / math.sqrt(2 * added.numel()))
    assert torch.equal(clear.clean, noisy.clean)


def test_fewer_places_than_sensors_are_averages_of_the_networks_pictures():
    output = noise(1, 2, 12, 20)
    transport, video = factors(output, 4)
    expected = output[0, 0, :, :12].reshape(12, 4, 3).mean(2)  # the square on the left
    torch.testing.assert_close(transport[0, 0], expected)
    torch.testing.assert_close(video[0, 0], output[0, 1].reshape(4, 3, 20).mean(1))


def test_the_restored_video_repeats_each_place():
    task = Factorize(size=24, places=8)
    (sample,) = task.samples("test")
    output = noise(1, 2, 24, 24)
    restored = task.restored(output, sample)
    video = output[0, 1].reshape(8, 3, 24).mean(1)
    torch.testing.assert_close(restored[0, 0], video.repeat_interleave(3, dim=0))
    assert torch.equal(sample.clean, F.interpolate(sample.clean[..., ::3, :], (24, 24)))


def test_the_gain_of_the_product_is_the_least_squares_one():
    transport, video = noise(1, 1, 10, 4), noise(1, 1, 4, 12, seed=1)
    observed, mask = noise(1, 1, 10, 12, seed=2), (noise(1, 1, 10, 12, seed=3) > 0.4).float()
    kept = mask[0, 0].bool().numpy()
    product = (transport @ video)[0, 0].numpy()
    gain = np.linalg.lstsq(product[kept][:, None], observed[0, 0].numpy()[kept], rcond=None)[0]
    scaled = scaled_product(transport, video, observed, mask)
    np.testing.assert_allclose(scaled[0, 0], gain * product, rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(first=st.floats(0.05, 20), second=st.floats(0.05, 20), seed=st.integers(0, 99))
def test_the_loss_does_not_depend_on_the_scale_of_either_factor(
    first: float, second: float, seed: int
):
    task = Factorize(size=16, places=4)
    (sample,) = task.samples("test")
    output = noise(1, 2, 16, 16, seed=seed)
    scaled = output * torch.tensor([first, second]).view(1, 2, 1, 1)
    torch.testing.assert_close(
        task.loss(scaled, sample), task.loss(output, sample), rtol=1e-3, atol=0
    )


def test_pixels_outside_the_mask_are_ignored():
    task = Factorize(size=16, places=4)
    (sample,) = task.samples("test")
    mask = (noise(1, 1, 16, 16, seed=5) > 0.3).float()
    output = noise(1, 2, 16, 16)
    masked = attrs.evolve(sample, mask=mask)
    changed = attrs.evolve(masked, degraded=sample.degraded + 0.3 * (1 - mask))
    assert torch.equal(task.loss(output, masked), task.loss(output, changed))
    assert task.loss(output, attrs.evolve(changed, mask=None)) != task.loss(output, sample)


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.05, 5), offset=st.floats(-2, 2), mirrored=st.booleans())
def test_gain_offset_and_mirror_of_the_video_do_not_count(
    gain: float, offset: float, mirrored: bool
):
    task = Factorize(size=16, places=8)
    (sample,) = task.samples("test")
    video = gain * sample.clean + offset
    figures = task.metrics(video.flip(-2) if mirrored else video, sample)
    assert figures["psnr"] > 80
    assert figures["ssim"] == pytest.approx(1, abs=1e-4)


def test_the_fit_is_that_of_least_squares_and_never_a_negative():
    truth = noise(1, 1, 12, 12)
    near = truth + 0.3 * noise(1, 1, 12, 12, seed=1)
    design = np.stack([near.flatten(), np.ones(144)], 1)
    solution = np.linalg.lstsq(design, truth.flatten().numpy(), rcond=None)[0]
    np.testing.assert_allclose(fitted(near, truth).flatten(), design @ solution, atol=1e-5)
    ramp = torch.linspace(0, 1, 12).expand(1, 1, 12, 12)  # its own mirror image in place
    torch.testing.assert_close(fitted(1 - ramp, ramp), torch.full_like(ramp, 0.5))


def test_a_flat_video_is_as_good_as_its_mean():
    task = Factorize(size=16)
    (sample,) = task.samples("test")
    spread = sample.clean.var(correction=0).item()
    figures = task.metrics(torch.full_like(sample.clean, 0.3), sample)
    assert figures["psnr"] == pytest.approx(-10 * math.log10(spread), abs=1e-4)


def test_splits_and_seeds_have_scenes_of_their_own():
    scenes = [
        Factorize(size=32, seed=seed).samples(split)[0]
        for seed in (0, 1)
        for split in ("search", "test")
    ]
    for i, one in enumerate(scenes):
        for other in scenes[:i]:
            assert not torch.equal(one.clean, other.clean)
    assert scenes[0].name != scenes[1].name


def test_tracks_are_one_bright_thing_and_dimmer_ones_at_all_times():
    video = tracks(rng(3), 64)[0, 0]
    assert set(np.unique(video)) <= {np.float32(v) for v in (0, 0.35, 0.6, 1)}
    assert (video.amax(0) == 1).all()
    bright = (video == 1).sum(0)
    assert bright.min() >= 1
    assert bright.max() <= 4  # 2 * 0.02 * 63 places and an end


def test_an_observed_picture_is_factorised_without_ground_truth(tmp_path: Path):
    save(tmp_path / "z.png", rng(0).random((16, 32)) * 0.5)
    task = Factorize(observed=str(tmp_path / "z.png"), size=16, places=4)
    (sample,) = task.samples("test")
    assert sample.clean is None
    assert sample.degraded.shape == (1, 1, 16, 16)
    assert sample.degraded.max() == 1
    assert task.metrics(sample.degraded, sample) == {}
    (searched,) = task.samples("search")
    assert searched.clean is not None


def test_averaging_what_is_observed_averages_the_factors():
    t, v = noise(1, 1, 32, 8), noise(1, 1, 8, 48, seed=1)
    sizes = (16, 8), (8, 24), (16, 24)
    coarse_t, coarse_v, coarse = (
        averaged(x, *n) for x, n in zip((t, v, t @ v), sizes, strict=True)
    )
    torch.testing.assert_close(coarse, coarse_t @ coarse_v)


def test_each_network_has_an_input_and_a_channel_of_its_own():
    task = Factorize()
    convolutions: list[torch.nn.Conv2d] = []

    def build(signature: Signature) -> torch.nn.Module:
        convolutions.append(torch.nn.Conv2d(signature.in_channels, signature.out_channels, 1))
        return convolutions[-1]

    module = task.assemble(build, Signature(4, 1))
    x = noise(1, 8, 6, 6)
    first, second = convolutions
    expected = torch.cat([first(x[:, :4]), second(x[:, 4:])], 1)
    assert torch.equal(module(x), expected)


@pytest.mark.parametrize("role", ["transport", "hidden", "observed"])
def test_a_picture_that_is_the_same_everywhere_is_refused(tmp_path: Path, role: str):
    Image.new("L", (20, 20), 128).save(tmp_path / "flat.png")
    task = Factorize(**{role: str(tmp_path / "flat.png")})
    with pytest.raises(PictureError, match=r"flat\.png is the same everywhere"):
        task.samples("test")


def test_light_that_never_meets_the_video_is_refused(tmp_path: Path):
    left, bottom = np.zeros((16, 16)), np.zeros((16, 16))
    left[:, :6], bottom[10:] = 1, 1  # from the first places, at which the video is black
    save(tmp_path / "t.png", left)
    save(tmp_path / "l.png", bottom)
    task = Factorize(
        transport=str(tmp_path / "t.png"), hidden=str(tmp_path / "l.png"), size=16, places=16
    )
    with pytest.raises(PictureError, match="lets no light of"):
        task.samples("test")


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path):
    with pytest.raises(PictureError, match=r"none\.png"):
        Factorize(hidden=str(tmp_path / "none.png")).samples("test")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 8}, "'size' must be >= 16"),
        ({"places": 1}, "'places' must be >= 2"),
        ({"size": 16, "places": 17}, "'places' must be 2 to size=16: 17"),
        ({"size": 32, "times": 31}, "'times' must be >= size=32: 31"),
        ({"sigma": -1}, "'sigma' must be >= 0"),
        ({"sigma": math.nan}, "'sigma' must be >= 0"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(wrong: dict[str, object], message: str):
    with pytest.raises(SettingsError, match=message) as refusal:
        building.structure(Factorize, wrong, "task")
    assert "\n" not in str(refusal.value)


def test_the_gradients_loss_is_its_formula():
    """Mean |differences| along both directions and 0.0001 |values| (CompMirror's experiment)."""
    task = Factorize(size=16, places=16, compares="gradient")
    (sample,) = task.samples("test")
    output = noise(1, 2, 16, 16)
    error = (output[0, 0] @ output[0, 1] - sample.degraded[0, 0]).numpy()
    expected = sum(np.abs(np.diff(error, axis=axis)).mean() for axis in (0, 1))
    expected += 1e-4 * np.abs(error).mean()
    assert task.loss(output, sample).item() == pytest.approx(expected, rel=1e-5)
    seen = torch.ones(1, 1, 16, 16)
    seen[..., :4, :] = seen[..., 8:, :] = 0
    part = attrs.evolve(sample, mask=seen)
    error = error[4:8]
    expected = sum(np.abs(np.diff(error, axis=axis)).mean() for axis in (0, 1))
    expected += 1e-4 * np.abs(error).mean()
    assert task.loss(output, part).item() == pytest.approx(expected, rel=1e-5)


def test_the_transports_picture_is_square_and_the_videos_as_wide_as_z():
    task = Factorize(size=16, times=40, places=8)
    seen: list[torch.Size] = []

    def build(signature: Signature) -> torch.nn.Module:
        network = torch.nn.Conv2d(signature.in_channels, 1, 1)
        network.register_forward_hook(lambda m, x, y: seen.append(y.shape[-2:]))
        return network

    output = task.assemble(build, Signature(4, 1))(noise(1, 8, 16, 40))
    assert seen == [(16, 16), (16, 40)]
    assert output.shape == (1, 2, 16, 40)
    assert not output[:, 0, :, 16:].any()


def test_the_transport_alone_is_offered_the_standardised_total_of_each_sensor():
    task = Factorize(size=16, times=24)
    (sample,) = task.samples("test")
    offered: list[int] = []

    def build(signature: Signature) -> torch.nn.Module:
        offered.append(signature.hints)
        return Hints(1)

    module = task.assemble(build, Signature(1, 1))
    assert offered == [1, 0]
    task.hint(module, sample)
    totals = sample.degraded[0, 0].double().numpy().sum(1)
    expected = (totals - totals.mean()) / totals.std()
    hints = module.get_submodule("networks.0").get_buffer("module.maps")
    np.testing.assert_allclose(hints[0, 0, :, 0], expected, atol=1e-4)


def test_a_hint_depends_on_observed_pixels_alone():
    observed, mask = noise(1, 1, 16, 20), (noise(1, 1, 16, 20, seed=1) > 0.3).float()
    changed = observed + noise(1, 1, 16, 20, seed=2) * (1 - mask)
    totals = [standardised_totals(one, mask) for one in (observed, changed)]
    torch.testing.assert_close(*totals)
    assert totals[0].square().mean().item() == pytest.approx(1, rel=1e-5)
    assert not standardised_totals(torch.full((1, 1, 4, 5), 0.7)).any()
