"""Classical methods, against closed forms and scikit-image."""

from __future__ import annotations

import builtins
import importlib.util
import math
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from skimage import data
from skimage.restoration import (
    denoise_nl_means,
    denoise_tv_chambolle,
    denoise_wavelet,
    inpaint_biharmonic,
)

from nasir.baselines.wavelet import WaveletShrinkage
from nasir.core.errors import SettingsError
from nasir.core.metrics import psnr
from nasir.core.task import Sample
from nasir.kernels.noise_level import HIGH_PASS, MEDIAN_OF_NORMAL, noise_level
from nasir.settings import building

DENOISERS = ("tv", "nlm", "wavelet")
without_pywavelets = pytest.mark.skipif(
    importlib.util.find_spec("pywt") is None, reason="PyWavelets is optional"
)
denoisers = pytest.mark.parametrize(
    "name", ["tv", "nlm", pytest.param("wavelet", marks=without_pywavelets)]
)


def task_of(name: str, **settings):
    return building.make("task", {"name": name, "search": 0, "picture": None, **settings})


def sample_of(picture: np.ndarray, name: str = "x", **more) -> Sample:
    x = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))[None]
    return Sample(name, x, **more)


def photograph(channels: int = 3, side: int = 64) -> np.ndarray:
    picture = data.astronaut()[:side, 180 : 180 + side] / 255
    return picture[..., :channels].astype(np.float32)


def noisy(picture: np.ndarray, sigma: float) -> np.ndarray:
    return picture + np.random.default_rng(0).normal(0, sigma, picture.shape).astype(np.float32)


def restored(name: str, sample: Sample, task="denoise", **settings) -> np.ndarray:
    method = building.make("method", {"name": name, **settings})
    picture = method.restore(sample, task_of(task))
    assert picture.dtype == torch.float32
    return picture[0].permute(1, 2, 0).numpy()


def test_degraded_returns_the_degraded_picture():
    picture = photograph()
    np.testing.assert_array_equal(restored("degraded", sample_of(picture)), picture)


@pytest.mark.parametrize("scale", [2, 4])
def test_bicubic_enlarges_to_the_full_size_and_keeps_a_flat_picture(scale: int):
    task = task_of("sr", scale=scale, size=64)
    sample = sample_of(np.full((16, 24, 3), 0.4))
    picture = building.make("method", "bicubic").restore(sample, task)
    assert picture.shape == (1, 3, 16 * scale, 24 * scale)
    torch.testing.assert_close(picture, torch.full_like(picture, 0.4))


def test_bicubic_refuses_pictures_of_full_size():
    with pytest.raises(SettingsError, match=r"task=sr"):
        restored("bicubic", sample_of(photograph()))


@denoisers
@pytest.mark.parametrize("channels", [1, 3])
def test_a_denoiser_keeps_the_shape_and_brings_the_picture_nearer(name: str, channels: int):
    clean = photograph(channels)
    degraded = noisy(clean, 25 / 255)
    result = restored(name, sample_of(degraded))
    assert result.shape == clean.shape
    before, after = np.mean((degraded - clean) ** 2), np.mean((result - clean) ** 2)
    assert after < before / 2


@denoisers
def test_a_denoiser_takes_the_smallest_pictures(name: str):
    assert restored(name, sample_of(noisy(photograph(3, 16), 0.1))).shape == (16, 16, 3)


@pytest.mark.parametrize("name", ["tv", "nlm"])
def test_a_flat_picture_has_no_noise_and_is_left_alone(name: str):
    picture = np.full((24, 24, 1), 0.3, np.float32)
    np.testing.assert_array_equal(restored(name, sample_of(picture)), picture)


@pytest.mark.parametrize("name", ["tv", "nlm"])
def test_a_denoiser_works_on_the_bicubic_enlargement(name: str):
    task = task_of("sr", scale=4, size=64)
    sample = sample_of(photograph(3, 16))
    enlarged = task.unrestored(sample)
    method = building.make("method", name)
    picture = method.restore(sample, task)
    assert picture.shape == enlarged.shape == (1, 3, 64, 64)
    torch.testing.assert_close(
        picture, method.restore(sample_of(_array(enlarged)), task_of("denoise"))
    )


@pytest.mark.parametrize("name", DENOISERS)
def test_a_denoiser_refuses_missing_pixels_and_names_biharmonic(name: str):
    sample = sample_of(photograph(1, 32), "cat", mask=torch.ones(1, 1, 32, 32))
    with pytest.raises(SettingsError, match=r"cat has missing pixels.*method=biharmonic"):
        restored(name, sample, "inpaint")


def test_tv_with_a_weight_is_that_of_scikit_image():
    picture = noisy(photograph(), 0.1)
    expected = denoise_tv_chambolle(picture, 0.12, channel_axis=-1)
    np.testing.assert_array_equal(restored("tv", sample_of(picture), weight=0.12), expected)


def test_nlm_with_a_known_sigma_is_that_of_scikit_image():
    picture = noisy(photograph(), 0.1)
    expected = denoise_nl_means(picture, 7, 4, 0.05, sigma=0.1, channel_axis=-1)
    result = restored("nlm", sample_of(picture), sigma=25.5, h=0.5, patch=7, distance=4)
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_nlm_does_not_rescale_what_lies_outside_zero_and_one():
    picture = noisy(np.full((48, 48, 1), 1.0, np.float32), 0.1)
    assert abs(restored("nlm", sample_of(picture)).mean() - picture.mean()) < 0.02


def test_the_wavelet_filter_is_orthonormal_with_two_vanishing_moments():
    assert math.isclose((HIGH_PASS**2).sum(), 1, abs_tol=1e-7)
    assert math.isclose(HIGH_PASS[:2] @ HIGH_PASS[2:], 0, abs_tol=1e-7)
    assert math.isclose(HIGH_PASS.sum(), 0, abs_tol=1e-7)
    assert math.isclose(HIGH_PASS @ np.arange(4), 0, abs_tol=1e-7)


def test_the_median_of_the_normal_distribution_is_right():
    assert math.isclose(math.erf(MEDIAN_OF_NORMAL / math.sqrt(2)), 0.5, abs_tol=1e-7)


@hypothesis_settings(max_examples=20, deadline=None)
@given(sigma=st.floats(0.005, 0.3), slope=st.floats(-1, 1), channels=st.sampled_from([1, 3]))
def test_the_noise_level_of_noise_on_a_plane_is_its_standard_deviation(
    sigma: float, slope: float, channels: int
):
    across = np.linspace(0, slope, 128)[None, :, None]
    plane = np.broadcast_to(across, (128, 128, channels))
    noise = np.random.default_rng(1).normal(0, sigma, plane.shape)
    assert noise_level(plane + noise) == pytest.approx(sigma, rel=0.06)


@without_pywavelets
def test_wavelet_shrinkage_of_colours_is_that_of_scikit_image():
    picture = sample_of(photograph()).degraded[0].permute(1, 2, 0).numpy()
    expected = denoise_wavelet(
        *(picture, None, "db2", "soft"),
        convert2ycbcr=True,
        rescale_sigma=True,
        channel_axis=-1,
    )
    np.testing.assert_allclose(WaveletShrinkage().denoise(picture), expected, atol=1e-5)


@without_pywavelets
@pytest.mark.parametrize("colours", [(0.5,), (0.2, 0.2, 0.2), (0.1, 0.4, 0.9)])
def test_wavelet_shrinkage_leaves_one_colour_as_it_is(colours: tuple[float, ...]):
    picture = np.broadcast_to(np.float32(colours), (24, 32, len(colours)))
    np.testing.assert_allclose(WaveletShrinkage().denoise(picture), picture, atol=1e-5)


@without_pywavelets
def test_the_noise_level_of_a_photograph_is_nearly_that_of_scikit_image():
    from skimage.restoration import estimate_sigma

    picture = noisy(photograph(3, 128), 0.08)
    expected = estimate_sigma(picture, average_sigmas=True, channel_axis=-1)
    assert noise_level(picture) == pytest.approx(expected, rel=0.03)


def test_wavelet_without_pywavelets_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    imported = builtins.__import__

    def without(name: str, *arguments, **more):
        if name == "pywt":
            raise ImportError(name)
        return imported(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError, match="pip install pywavelets"):
        restored("wavelet", sample_of(photograph()))


@without_pywavelets
def test_an_unknown_wavelet_is_refused_with_the_nearest():
    with pytest.raises(SettingsError, match=r"method.wavelet 'dbb2': did you mean 'db2'"):
        restored("wavelet", sample_of(photograph()), wavelet="dbb2")


@pytest.mark.parametrize("channels", [1, 3])
def test_biharmonic_equals_scikit_image_and_keeps_observed_pixels(channels: int):
    clean = photograph(channels, 32)
    kept = np.random.default_rng(0).random((32, 32, 1)) >= 0.5
    mask = torch.from_numpy(kept[..., 0].astype(np.float32))[None, None]
    sample = sample_of(clean * kept, mask=mask)
    result = restored("biharmonic", sample, "inpaint")
    expected = inpaint_biharmonic(clean * kept, ~kept[..., 0], channel_axis=-1)
    np.testing.assert_allclose(result, expected, atol=1e-6)
    np.testing.assert_array_equal(result[kept[..., 0]], clean[kept[..., 0]])


def test_biharmonic_continues_a_plane():
    """A plane has bilaplacian zero."""
    rows, columns = np.mgrid[:24, :24] / 48
    plane = (rows + columns)[..., None].astype(np.float32)
    mask = torch.ones(1, 1, 24, 24)
    mask[..., 8:14, 9:15] = 0
    kept = mask[0, 0].numpy()[..., None]
    result = restored("biharmonic", sample_of(plane * kept, mask=mask), "inpaint")
    np.testing.assert_allclose(result, plane, atol=1e-4)


def test_biharmonic_refuses_a_picture_without_missing_pixels():
    with pytest.raises(SettingsError, match="dog has none: take task=inpaint"):
        restored("biharmonic", sample_of(photograph(1, 32), "dog"))


@pytest.mark.parametrize(
    ("method", "setting", "value"),
    [("tv", "weight", 0), ("nlm", "patch", 0), ("nlm", "h", -1.0), ("wavelet", "levels", 0)],
)
def test_settings_out_of_range_are_refused(method: str, setting: str, value: float):
    with pytest.raises(SettingsError, match=setting):
        building.make("method", {"name": method, setting: value})


@pytest.mark.parametrize("sigma", [10.0, 25.0, 50.0])
def test_the_usual_tv_weight_is_nearly_the_best_for_photographs(sigma: float):
    task = task_of("denoise", sigma=sigma, size=128, color="grey")

    def mean_psnr(**settings) -> float:
        method = building.make("method", {"name": "tv", **settings})
        samples = task.samples("test")
        pictures = [method.restore(sample, task).clamp(0, 1) for sample in samples]
        return float(np.mean([psnr(p, s.clean) for p, s in zip(pictures, samples, strict=True)]))

    best = max(mean_psnr(weight=share * sigma / 255) for share in (0.5, 0.65, 0.8, 1.0, 1.25))
    assert mean_psnr() > best - 0.6


def _array(x: torch.Tensor) -> np.ndarray:
    return x[0].permute(1, 2, 0).numpy()


def test_bm3d_that_is_not_installed_is_refused_with_its_licence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    task = building.make("task", {"name": "denoise", "size": 16, "search": 1})
    with pytest.raises(SettingsError, match=r"non-commercial use alone: .*nasir\[bm3d\]"):
        building.make("method", "bm3d").restore(task.samples("test")[0], task)
