"""Blur kernels and convolution, against scipy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage, signal

from nasir.tasks.physics.convolution import (
    Convolution,
    gaussian_kernel,
    motion_kernel,
    odd_sided,
)

MODES = {"mirrored": "reflect", "periodic": "wrap", "repeated": "nearest"}


def picture(height: int = 17, width: int = 22) -> np.ndarray:
    return np.random.default_rng(0).random((height, width))


def blurred(x: np.ndarray, kernel: np.ndarray, border: str) -> np.ndarray:
    operator = Convolution(kernel, border, x.shape, valid=False).double()
    return operator(torch.from_numpy(x)[None, None])[0, 0].numpy()


@pytest.mark.parametrize("border", list(MODES))
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (1, 9), (7, 7)])
def test_convolution_is_that_of_scipy(border: str, shape: tuple[int, int]):
    kernel = np.random.default_rng(1).random(shape)
    expected = ndimage.convolve(picture(), kernel, mode=MODES[border])
    np.testing.assert_allclose(blurred(picture(), kernel, border), expected, atol=1e-6)


def test_what_valid_borders_observe_is_the_valid_convolution_of_scipy():
    kernel = np.random.default_rng(1).random((5, 3))
    operator = Convolution(kernel, "mirrored", (17, 22), valid=True).double()
    seen = operator(torch.from_numpy(picture())[None, None])[operator.mask > 0]
    expected = signal.convolve2d(picture(), kernel, mode="valid")
    np.testing.assert_allclose(seen.reshape(expected.shape), expected, atol=1e-6)


@pytest.mark.parametrize(("border", "mode"), [("mirrored", "reflect"), ("periodic", "wrap")])
@pytest.mark.parametrize("width", [0.5, 1.0, 1.7])
def test_gaussian_blur_is_that_of_scipy(border: str, mode: str, width: float):
    expected = ndimage.gaussian_filter(picture(), width, mode=mode)
    np.testing.assert_allclose(
        blurred(picture(), gaussian_kernel(width), border), expected, atol=1e-6
    )


def test_the_gaussian_kernel_has_its_closed_form():
    kernel = gaussian_kernel(1.5)
    middle = kernel.shape[0] // 2
    assert kernel.sum() == pytest.approx(1)
    for i, j in ((0, 0), (1, 0), (2, 3), (-4, 1)):
        ratio = kernel[middle + i, middle + j] / kernel[middle, middle]
        assert ratio == pytest.approx(np.exp(-(i**2 + j**2) / (2 * 1.5**2)))


@pytest.mark.parametrize(
    ("length", "angle", "expected"),
    [
        (1, 30, [[1]]),
        (5, 0, [[0] * 5, [0] * 5, [1] * 5, [0] * 5, [0] * 5]),
        (3, 90, [[0, 1, 0], [0, 1, 0], [0, 1, 0]]),
        # MATLAB's fspecial('motion', 4, 0): the ends of an even line count half.
        (4, 0, [[0] * 5, [0] * 5, [0.5, 1, 1, 1, 0.5], [0] * 5, [0] * 5]),
    ],
)
def test_motion_kernels_are_those_of_fspecial(length: float, angle: float, expected: list):
    kernel = np.array(expected, float)
    np.testing.assert_allclose(motion_kernel(length, angle), kernel / kernel.sum(), atol=1e-12)


def test_a_positive_angle_rises_to_the_right():
    kernel = motion_kernel(9, 45)
    assert kernel[1, -2] > 0
    assert kernel[1, 1] == 0


def test_even_kernels_keep_their_origin():
    kernel = np.random.default_rng(1).random((4, 2))
    expected = ndimage.convolve(picture(), kernel, mode="wrap")
    got = blurred(picture(), odd_sided(kernel), "periodic")
    assert np.abs(got - expected).max() < 1e-6
