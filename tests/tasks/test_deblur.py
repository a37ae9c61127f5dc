"""Deblurring: what is observed, where it is compared, and by which protocol."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from data_sets import picture, save
from made_tasks import deblur, degraded, denoise
from scipy import ndimage, signal

from nasir.core.errors import PictureError, SettingsError
from nasir.core.metrics import psnr


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(save(tmp_path / "a.png", picture(0, 40, 48)))


@pytest.mark.parametrize(("boundary", "mode"), [("reflected", "reflect"), ("periodic", "wrap")])
def test_pictures_are_blurred_as_scipy_does(file: str, boundary: str, mode: str):
    (sample,) = deblur(images=file, size=0, width=1.5, boundary=boundary).samples("test")
    for clean, blurred in zip(sample.clean[0], sample.degraded[0], strict=True):
        expected = ndimage.gaussian_filter(clean.double().numpy(), 1.5, mode=mode)
        np.testing.assert_allclose(blurred, expected, atol=1e-6)


def test_a_kernel_from_a_picture_is_divided_by_its_sum(file: str, tmp_path: Path):
    values = picture(1, 5, 3, channels=1)
    kernel = save(tmp_path / "kernel.png", values)
    task = deblur(
        images=file, size=0, blur="kernel_blur", file=str(kernel), boundary="valid", color="grey"
    )
    (sample,) = task.samples("test")
    expected = signal.convolve2d(sample.clean[0, 0].double(), values / values.sum(), mode="valid")
    seen = sample.degraded[sample.mask > 0].reshape(expected.shape)
    np.testing.assert_allclose(seen, expected, atol=1e-6)


def test_borders_that_are_not_observed_count_neither_in_the_loss_nor_in_psnr(file: str):
    task = deblur(images=file, size=0, width=0.8, boundary="valid")
    (sample,) = task.samples("test")
    assert task.usual_protocol == ("all", 3)
    assert task.loss(sample.clean, sample) < 1e-12
    worse = sample.clean.clone()
    worse[..., 0] = 1 - worse[..., 0]
    inside = worse[..., 3:-3, 3:-3]
    assert task.metrics(worse, sample)["psnr"] == psnr(inside, sample.clean[..., 3:-3, 3:-3])


def test_noise_follows_the_blur(file: str):
    task = deblur(images=file, size=0, width=1, noise="gaussian", sigma=10)
    (sample,), (blurred,) = (
        task.samples("test"),
        deblur(images=file, size=0, width=1).samples("test"),
    )
    (noisy,) = denoise(images=file, size=0, sigma=10).samples("test")
    torch.testing.assert_close(
        sample.degraded - blurred.degraded, noisy.degraded - noisy.clean, rtol=0, atol=1e-6
    )


def test_a_blurred_picture_is_compared_after_the_same_blur(file: str):
    (sample,) = deblur(images=file, degraded=True, size=0, width=1).samples("test")
    (known,) = deblur(images=file, size=0, width=1).samples("test")
    assert sample.clean is None
    assert torch.equal(sample.degraded, known.clean)
    assert torch.equal(sample.forward_operator(known.clean), known.degraded)


def test_smaller_copies_are_refused_since_the_blur_is_not_theirs(file: str):
    task = deblur(images=file)
    with pytest.raises(SettingsError, match="not blurred in the same way") as refused:
        task.shrunk(task.samples("test")[0], 16)
    assert "\n" not in str(refused.value)


def test_a_kernel_larger_than_the_picture_names_both(file: str):
    with pytest.raises(PictureError, match=r"a: the blur kernel of 57 x 57 .* 40 x 48"):
        deblur(images=file, size=0, width=7).samples("test")


def test_any_composition_is_the_same_as_the_task_that_is_named_after_it(file: str):
    (one,) = denoise(images=file, noise="poisson", peak=9).samples("test")
    (other,) = degraded(images=file, degradation="poisson", peak=9).samples("test")
    assert torch.equal(one.degraded, other.degraded)


def test_the_reach_of_a_blur_before_a_smaller_copy_is_in_its_pixels(file: str):
    task = degraded(images=file, degradation="blur+bicubic", width=1, scale=2)
    blur, smaller = task.degrading().operators
    assert task.samples("test")[0].reach == (blur.reach + smaller.reach * blur.scale) / 2
