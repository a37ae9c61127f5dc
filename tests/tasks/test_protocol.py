from __future__ import annotations

import math
import shutil
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tasks import denoise, made, super_resolution
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from nasir.core.errors import PictureError
from nasir.core.task import Sample
from nasir.tasks.physics.resampling import Downsampling
from nasir.tasks.protocol import evaluated_part, luma, observed_error, shrunk


def picture(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random(shape, np.float32))


def channels_last(x: Tensor) -> np.ndarray:
    return x[0].permute(1, 2, 0).double().numpy()


def test_luma_is_that_of_scikit_image():
    x = picture(1, 3, 9, 11)
    expected = rgb2ycbcr(channels_last(x))[..., 0] / 255
    np.testing.assert_allclose(luma(x)[0, 0], expected, atol=1e-6)


def test_luma_of_black_and_white_is_16_and_235():
    for value, level in ((0.0, 16), (1.0, 235)):
        assert luma(torch.full((1, 3, 1, 1), value)).item() * 255 == pytest.approx(level, abs=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("channel", ["all", "y"])
def test_metrics_compare_what_is_inside_the_border(channel: str, channels: int):
    x = picture(1, channels, 20, 24)
    inside = x[..., 4:16, 4:20]
    expected = luma(inside) if (channel, channels) == ("y", 3) else inside
    assert torch.equal(evaluated_part(x, channel, 4), expected)
    assert torch.equal(evaluated_part(x, "all", 0), x)


def test_a_border_that_leaves_too_little_is_refused_in_one_line():
    with pytest.raises(
        PictureError, match=r"20 x 21 has no 11 x 11 .* border of 5: .*task\.border"
    ):
        evaluated_part(picture(1, 1, 20, 21), "all", 5)
    assert evaluated_part(picture(1, 1, 21, 21), "all", 5).shape == (1, 1, 11, 11)


@pytest.fixture
def file(tmp_path: Path) -> str:
    values = np.random.default_rng(5).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    return str(tmp_path / "a.png")


@pytest.mark.parametrize("border", [0, 5])
@pytest.mark.parametrize("channel", ["all", "y"])
def test_metrics_are_those_of_scikit_image_on_that_part(file: str, channel: str, border: int):
    task = denoise(images=file, sigma=10, channel=channel, border=border)
    (sample,) = task.samples("test")
    restored = sample.degraded.clamp(0, 1)
    x, truth = channels_last(restored), channels_last(sample.clean)
    if channel == "y":
        x, truth = (rgb2ycbcr(a)[..., :1] / 255 for a in (x, truth))
    x, truth = (a[border : 32 - border, border : 40 - border] for a in (x, truth))
    figures = task.metrics(restored, sample)
    assert figures["psnr"] == pytest.approx(
        peak_signal_noise_ratio(truth, x, data_range=1), abs=1e-4
    )
    _, window_by_window = structural_similarity(
        truth,
        x,
        data_range=1,
        channel_axis=-1,
        gaussian_weights=True,
        use_sample_covariance=False,
        full=True,
    )
    assert figures["ssim"] == pytest.approx(window_by_window[5:-5, 5:-5].mean(), abs=1e-4)


def test_the_usual_protocol_of_denoising_is_all_channels_without_border(file: str):
    (sample,) = denoise(images=file).samples("test")
    usual, said = denoise(images=file), denoise(images=file, channel="all", border=0)
    assert usual.metrics(sample.degraded, sample) == said.metrics(sample.degraded, sample)


def test_pictures_are_rounded_to_8_bits_when_asked(file: str):
    exact, rounded = denoise(images=file), denoise(images=file, quantise=True)
    (sample,) = exact.samples("test")
    within = sample.clean + 0.4 / 255 * torch.sign(0.5 - sample.clean)
    beyond = sample.clean + 0.6 / 255 * torch.sign(0.5 - sample.clean)
    assert rounded.metrics(within, sample)["psnr"] > 120
    assert exact.metrics(within, sample)["psnr"] == pytest.approx(20 * math.log10(255 / 0.4), 1e-3)
    assert rounded.metrics(beyond, sample)["psnr"] == pytest.approx(20 * math.log10(255), 1e-3)


def masked_sample(seed: int, share: float = 0.5) -> Sample:
    rng = np.random.default_rng(seed)
    mask = (rng.random((1, 1, 6, 7)) >= share).astype(np.float32)
    mask[..., 0, 0] = 1
    degraded = rng.random((1, 3, 6, 7), np.float32)
    return Sample("a", torch.from_numpy(degraded), mask=torch.from_numpy(mask))


@given(seed=st.integers(0, 1000), share=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_the_observed_error_is_the_mean_over_the_pixels_that_are_there(seed: int, share: float):
    sample, predicted = masked_sample(seed, share), picture(1, 3, 6, 7, seed=seed + 1)
    squares = [
        (float(predicted[0, c, i, j]) - float(sample.degraded[0, c, i, j])) ** 2
        for c in range(3)
        for i in range(6)
        for j in range(7)
        if sample.mask[0, 0, i, j]
    ]
    expected = sum(squares) / len(squares)
    assert observed_error(predicted, sample).item() == pytest.approx(expected, rel=1e-5)


def test_without_a_mask_every_pixel_is_observed():
    x, y = picture(1, 3, 6, 7), picture(1, 3, 6, 7, seed=1)
    expected = np.mean((x.double().numpy() - y.double().numpy()) ** 2)
    assert observed_error(x, Sample("a", y)).item() == pytest.approx(expected, rel=1e-5)
    whole = Sample("a", y, mask=torch.ones(1, 1, 6, 7))
    assert observed_error(x, whole).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("hidden", [5.0, -1e30, math.inf, math.nan])
def test_the_observed_error_never_sees_a_missing_pixel(hidden: float):
    sample, predicted = masked_sample(3), picture(1, 3, 6, 7, seed=4)
    expected = observed_error(predicted, sample)
    missing = (sample.mask == 0).expand(1, 3, 6, 7)
    other = Sample("a", sample.degraded.masked_fill(missing, hidden), mask=sample.mask)
    assert torch.equal(observed_error(predicted, other), expected)
    elsewhere = predicted.masked_fill(missing, hidden).requires_grad_()
    error = observed_error(elsewhere, sample)
    assert torch.equal(error, expected)
    error.backward()
    assert not elsewhere.grad[missing].any()
    assert elsewhere.grad[~missing].all()


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [((64, 96), 32, (32, 48)), ((96, 64), 32, (48, 32)), ((50, 77), 16, (16, 25))],
)
def test_the_short_side_is_brought_down(
    size: tuple[int, int], side: int, expected: tuple[int, int]
):
    operator = Downsampling(2, "bicubic")
    sample = Sample("a", picture(1, 3, *size), picture(1, 3, *size), operator)
    small = shrunk(sample, side)
    assert small.degraded.shape == (1, 3, *expected)
    assert small.clean is None
    assert small.mask is None
    assert small.name == "a"
    assert small.forward_operator is operator


@pytest.mark.parametrize("side", [32, 33, 1000])
def test_a_picture_is_never_enlarged(side: int):
    sample = Sample("a", picture(1, 1, 32, 40), picture(1, 1, 32, 40))
    small = shrunk(sample, side)
    assert torch.equal(small.degraded, sample.degraded)
    assert small.clean is None


def test_a_whole_picture_is_shrunk_with_anti_aliasing():
    fine = torch.zeros(1, 1, 64, 64)
    fine[..., 1::4] = 1
    small = shrunk(Sample("a", fine), 16).degraded[..., 2:-2, 2:-2]
    torch.testing.assert_close(small, torch.full_like(small, 0.25), rtol=0, atol=0.01)


def test_of_a_picture_with_missing_pixels_pixels_are_taken_with_their_mask():
    mask = (picture(1, 1, 60, 90, seed=1) > 0.5).float()
    whole = picture(1, 3, 60, 90) + 0.1
    small = shrunk(Sample("a", whole * mask, mask=mask), 20)
    assert small.degraded.shape == (1, 3, 20, 30)
    assert small.mask.shape == (1, 1, 20, 30)
    assert set(small.mask.unique().tolist()) == {0, 1}
    assert torch.equal((small.degraded > 0).float(), small.mask.expand(1, 3, 20, 30))
    assert set(small.degraded.unique().tolist()) <= set((whole * mask).unique().tolist())
    assert small.mask.mean().item() == pytest.approx(0.5, abs=5 * math.sqrt(0.25 / 600))


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A grey and a colour picture, smooth enough that a small one says much of a large one."""
    for name, seed, bands in (("grey", 1, 1), ("colour", 2, 3)):
        noise = torch.from_numpy(np.random.default_rng(seed).random((1, bands, 12, 16)))
        smooth = torch.nn.functional.interpolate(noise, (48, 64), mode="bicubic").clamp(0, 1)
        values = (smooth[0] * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(values.squeeze()).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.parametrize("task", ["sr", "denoise"])
def test_each_picture_is_evaluated_on_its_own_channels(mixed: Path, task: str):
    """A grey picture among ones in colour has the figures that it has alone."""
    together = made(task, images=mixed, search=0, size=0)
    assert together.signature.in_channels == 3
    samples = {sample.name: sample for sample in together.samples("test")}
    for name, sample in samples.items():
        alone = made(task, images=mixed / f"{name}.png", search=0, size=0)
        (own,) = alone.samples("test")
        assert sample.grey == (name == "grey")
        assert torch.equal(sample.degraded, own.degraded.expand_as(sample.degraded))
        figures = together.metrics(together.unrestored(sample), sample)
        assert figures == pytest.approx(alone.metrics(alone.unrestored(own), own), abs=1e-5)


def test_given_pairs_have_their_own_channels(mixed: Path, tmp_path: Path):
    for kind in ("rain", "norain"):
        (tmp_path / "pairs" / kind).mkdir(parents=True)
        for name in ("grey", "colour"):
            shutil.copy(mixed / f"{name}.png", tmp_path / "pairs" / kind)
    task = made("derain", images=tmp_path / "pairs", pairs="folders", search=0, size=0)
    own = {sample.name: sample.grey for sample in task.samples("test")}
    assert own == {"grey": True, "colour": False}


def test_a_grey_picture_is_not_evaluated_on_the_luma_of_its_colours(mixed: Path):
    """Y, from 16 to 235, would be -20 log10(219 / 255) = 1.32 dB better."""
    task = super_resolution(images=mixed, search=0, size=0, scale=2)
    sample = next(sample for sample in task.samples("test") if sample.grey)
    enlarged = task.unrestored(sample)
    as_colour = task.metrics(enlarged, attrs.evolve(sample, grey=False))["psnr"]
    assert as_colour - task.metrics(enlarged, sample)["psnr"] == pytest.approx(1.32, abs=0.01)


def test_the_squared_error_is_measured_where_it_is_asked_for(file: str):
    task = denoise(images=file, sigma=10, mse=True)
    (sample,) = task.samples("test")
    figures = task.metrics(sample.degraded, sample)
    assert figures["mse"] == pytest.approx(10 ** (-figures["psnr"] / 10))
    assert "mse" not in denoise(images=file).metrics(sample.degraded, sample)
