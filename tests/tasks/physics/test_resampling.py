from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nasir.tasks.physics.resampling import Downsampling, resized, resizing_matrix

KERNELS = ("bicubic", "lanczos2")


def noise_picture(*shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((1, 1, *shape)))


def cubic(x: float) -> float:
    """Keys (1981), equation 15."""
    x = abs(x)
    if x <= 1:
        return (3 * x**3 - 5 * x**2 + 2) / 2
    if x <= 2:
        return (-(x**3) + 5 * x**2 - 8 * x + 4) / 2
    return 0.0


def imresize_line(line: list[float], new_length: int) -> list[float]:
    """A line resized as MATLAB's imresize documents it, pixels counted from 1.

    Output pixel x lies at u = x / scale + (1 - 1 / scale) / 2; the kernel is stretched by
    1 / scale where that is over 1; weights are made to sum to 1; the line is mirrored.
    """
    length = len(line)
    scale = new_length / length
    width = 4 / scale if scale < 1 else 4.0
    mirrored = [*range(1, length + 1), *range(length, 0, -1)]
    made = []
    for x in range(1, new_length + 1):
        u = x / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - width / 2)
        total = value = 0.0
        for p in range(left, left + math.ceil(width) + 2):
            weight = scale * cubic(scale * (u - p)) if scale < 1 else cubic(u - p)
            total += weight
            value += weight * line[mirrored[(p - 1) % (2 * length)] - 1]
        made.append(value / total)
    return made


def imresize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    columns = [imresize_line(column.tolist(), height) for column in picture.T]
    return np.array([imresize_line(row.tolist(), width) for row in np.array(columns).T])


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_downsampling_is_that_of_imresize(factor: int):
    picture = noise_picture(4 * factor, 5 * factor)
    expected = imresize(picture[0, 0].numpy(), 4, 5)
    made = Downsampling(factor, "bicubic")(picture)
    np.testing.assert_allclose(made[0, 0], expected, atol=1e-12)
    np.testing.assert_allclose(
        Downsampling(factor, "bicubic")(picture.float())[0, 0], expected, atol=1e-3 / 255
    )


@pytest.mark.parametrize(
    ("size", "new_size"),
    [
        ((16, 24), (2, 3)),
        ((17, 23), (8, 11)),
        ((31, 16), (10, 5)),
        ((20, 20), (19, 7)),
        ((5, 7), (20, 28)),
        ((6, 8), (18, 16)),
        ((9, 4), (13, 32)),
        ((12, 10), (30, 5)),
        ((16, 16), (1, 1)),
        ((2, 1), (6, 3)),
    ],
)
def test_resizing_is_that_of_imresize(size: tuple[int, int], new_size: tuple[int, int]):
    picture = noise_picture(*size)
    expected = imresize(picture[0, 0].numpy(), *new_size)
    np.testing.assert_allclose(resized(picture, *new_size)[0, 0], expected, atol=1e-12)


@pytest.mark.parametrize(("size", "new_size"), [(64, 32), (66, 22), (64, 16), (63, 40), (20, 60)])
def test_torch_agrees_inside_where_it_takes_the_same_kernel(size: int, new_size: int):
    """torch cuts the kernel off at the border, and has a = -1/2 with anti-aliasing alone."""
    picture = noise_picture(size, size)
    theirs = F.interpolate(picture, (new_size, new_size), mode="bicubic", antialias=True)
    ours = resized(picture, new_size, new_size)
    inside = slice(max(2, math.ceil(2 * new_size / size)), -max(2, math.ceil(2 * new_size / size)))
    torch.testing.assert_close(ours[..., inside, inside], theirs[..., inside, inside])
    assert (ours - theirs).abs().max() > 1e-4


def lanczos_shrunk(line: list[float], factor: int) -> list[float]:
    """Lanczos-2 with 4 x factor taps at odd halves of a pixel, the ends of the line repeated."""
    taps = [(i - 0.5) / factor for i in range(1 - 2 * factor, 2 * factor + 1)]
    weights = [
        2 * math.sin(math.pi * t) * math.sin(math.pi * t / 2) / (math.pi * t) ** 2 for t in taps
    ]
    made = []
    for k in range(len(line) // factor):
        first = k * factor + factor // 2 - 2 * factor
        places = [min(max(first + i, 0), len(line) - 1) for i in range(4 * factor)]
        made.append(sum(w * line[p] for w, p in zip(weights, places, strict=True)) / sum(weights))
    return made


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_lanczos_downsampling_has_phase_one_half_and_a_repeated_border(factor: int):
    picture = noise_picture(4 * factor, 3 * factor)
    lines = [lanczos_shrunk(column.tolist(), factor) for column in picture[0, 0].numpy().T]
    expected = [lanczos_shrunk(row.tolist(), factor) for row in np.array(lines).T]
    made = Downsampling(factor, "lanczos2")(picture)
    np.testing.assert_allclose(made[0, 0], expected, atol=1e-12)


def test_lanczos_by_three_is_centred_on_the_middle_pixel():
    line = np.zeros(15)
    line[7] = 1
    made = resizing_matrix(15, 5, "lanczos2").numpy() @ line
    weights = [np.sinc(t / 3) * np.sinc(t / 6) for t in range(-5, 6)]
    expected = [0, weights[2], weights[5], weights[8], 0]
    np.testing.assert_allclose(made, np.array(expected) / sum(weights), atol=1e-12)


lengths = st.integers(1, 40)


@given(size=lengths, new_size=lengths, kernel=st.sampled_from(KERNELS))
@settings(max_examples=60, deadline=None)
def test_rows_sum_to_one_and_mirror_each_other(size: int, new_size: int, kernel: str):
    matrix = resizing_matrix(size, new_size, kernel)
    assert matrix.shape == (new_size, size)
    assert matrix.dtype == torch.float64
    ones = torch.ones(new_size, dtype=torch.float64)
    torch.testing.assert_close(matrix.sum(1), ones, rtol=0, atol=1e-12)
    torch.testing.assert_close(matrix.flip(0, 1), matrix, rtol=0, atol=1e-10)


@given(size=st.integers(4, 40), kernel=st.sampled_from(KERNELS))
@settings(max_examples=20, deadline=None)
def test_the_same_size_changes_nothing(size: int, kernel: str):
    identity = torch.eye(size, dtype=torch.float64)
    torch.testing.assert_close(resizing_matrix(size, size, kernel), identity, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_constants_stay_constant(factor: int, kernel: str):
    picture = torch.full((2, 3, 3 * factor, 5 * factor), 0.3)
    made = Downsampling(factor, kernel)(picture)
    torch.testing.assert_close(made, torch.full((2, 3, 3, 5), 0.3), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_ramp_keeps_its_slope_inside(kernel: str):
    """Pixel centres are aligned: a small pixel lies in the middle of those it covers."""
    for factor in (2, 3, 4, 8):
        made = resizing_matrix(8 * factor, 8, kernel) @ torch.arange(8.0 * factor).double()
        middles = torch.arange(8.0).double() * factor + (factor - 1) / 2
        torch.testing.assert_close(made[2:-2], middles[2:-2])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", [2, 3])
def test_the_gradient_is_the_transpose(factor: int, kernel: str):
    operator = Downsampling(factor, kernel)
    x = noise_picture(4 * factor, 3 * factor).requires_grad_()
    y = noise_picture(4, 3)
    (gradient,) = torch.autograd.grad((operator(x) * y).sum(), x)
    down = resizing_matrix(4 * factor, 4, kernel)
    across = resizing_matrix(3 * factor, 3, kernel)
    torch.testing.assert_close(gradient[0, 0], down.T @ y[0, 0] @ across)
    torch.testing.assert_close(operator.adjoint(y), gradient)


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_the_precision_is_that_of_the_picture(precision: torch.dtype):
    picture = noise_picture(8, 8).to(precision)
    assert resized(picture, 12, 4).dtype == precision
    assert Downsampling(2, "bicubic")(picture).dtype == precision


@pytest.mark.parametrize("used", [False, True])
def test_an_operator_is_pickled_and_copied(used: bool):
    operator, picture = Downsampling(4, "lanczos2"), noise_picture(16, 24)
    if used:
        operator(picture)
    for other in (pickle.loads(pickle.dumps(operator)), copy.deepcopy(operator)):
        assert (other.factor, other.kernel) == (4, "lanczos2")
        assert torch.equal(other(picture), operator(picture))


def test_an_operator_takes_pictures_of_one_size_after_another():
    operator = Downsampling(2, "bicubic")
    for size in ((8, 8), (12, 6), (8, 8)):
        picture = noise_picture(*size)
        assert torch.equal(operator(picture), Downsampling(2, "bicubic")(picture))


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_an_operator_from_an_evaluation_has_gradients(precision: torch.dtype):
    resizing_matrix.cache_clear()
    operator, x = Downsampling(2, "bicubic"), torch.rand(1, 1, 8, 8, dtype=precision)
    with torch.inference_mode():
        operator(x)
    operator(x.requires_grad_()).sum().backward()
    torch.testing.assert_close(x.grad.sum(), torch.tensor(16.0, dtype=precision))


def test_what_was_enlarged_while_evaluating_can_be_fitted_through():
    resizing_matrix.cache_clear()
    x = noise_picture(6, 7)
    with torch.inference_mode():
        resized(x, 9, 8)
    resized(x.requires_grad_(), 9, 8).sum().backward()
    torch.testing.assert_close(x.grad.sum(), torch.tensor(72.0).double())


def test_channels_and_batches_are_resized_alike():
    pictures = torch.from_numpy(np.random.default_rng(1).random((2, 3, 12, 8)))
    together = Downsampling(4, "bicubic")(pictures)
    for n in range(2):
        for c in range(3):
            alone = Downsampling(4, "bicubic")(pictures[n : n + 1, c : c + 1])
            torch.testing.assert_close(together[n, c], alone[0, 0])
