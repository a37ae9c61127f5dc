from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from nasir.core.errors import SettingsError
from nasir.training.losses import LEAST_SSIM, loss, terms


def pictures(seed: int = 0, side: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    clean = rng.random((1, 1, side, side))
    output = np.clip(clean + 0.1 * rng.standard_normal(clean.shape), 0, 1)
    return torch.from_numpy(output), torch.from_numpy(clean)


def test_a_sum_is_read_as_weights_and_names() -> None:
    assert terms("mse+0.6*log_ssim") == ((1.0, "mse"), (0.6, "log_ssim"))
    assert terms(" 2 * l1 ") == ((2.0, "l1"),)


@given(st.lists(st.sampled_from(["mse", "l1", "log_ssim"]), min_size=1, unique=True), st.data())
def test_what_is_written_is_read(names: list[str], data: st.DataObject) -> None:
    positive = st.floats(1e-3, 1e3)
    pairs = tuple((data.draw(positive), name) for name in names)
    assert terms("+".join(f"{weight:.20f}*{name}" for weight, name in pairs)) == pairs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mes", "unknown loss 'mes': did you mean 'mse'"),
        ("", "unknown loss ''"),
        ("mse+", "unknown loss ''"),
        ("x*mse", "number above 0, got 'x'"),
        ("*mse", "number above 0, got ''"),
        ("0*mse", "number above 0, got '0'"),
        ("nan*mse", "got 'nan'"),
        ("-1*l1", "got '-1'"),
        ("inf*l1", "got 'inf'"),
        ("mse+2*mse", "has mse twice"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace("*", r"\*").replace("+", r"\+")):
        terms(text)


def test_mse_and_l1_are_means_over_pixels() -> None:
    output, clean = torch.full((2, 3, 4, 5), 0.75), torch.full((2, 3, 4, 5), 0.25)
    assert loss("mse")(output, clean).item() == pytest.approx(0.25)
    assert loss("l1")(output, clean).item() == pytest.approx(0.5)


def test_log_ssim_is_the_logarithm_of_one_over_the_ssim_of_scikit_image() -> None:
    output, clean = pictures()
    x, y = output[0, 0].numpy(), clean[0, 0].numpy()
    _, image = structural_similarity(
        x, y, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    inside = image[5:-5, 5:-5].mean()
    assert loss("log_ssim")(output, clean).item() == pytest.approx(math.log10(1 / inside))


def test_log_ssim_of_constant_pictures_has_a_closed_form() -> None:
    a, b, c1 = 0.2, 0.8, 0.01**2
    x, y = (torch.full((1, 1, 12, 12), v, dtype=torch.float64) for v in (a, b))
    expected = math.log10((a**2 + b**2 + c1) / (2 * a * b + c1))
    assert loss("log_ssim")(x, y).item() == pytest.approx(expected, rel=1e-6)


def test_log_ssim_of_a_negative_picture_is_finite() -> None:
    clean = pictures()[1]
    output = (1 - clean).requires_grad_()
    value = loss("log_ssim")(output, clean)
    value.backward()
    assert value.item() == pytest.approx(-math.log10(LEAST_SSIM))
    assert output.grad is not None
    assert output.grad.isfinite().all()


def test_terms_are_added_by_weight_and_divided_by_their_number_when_asked() -> None:
    output, clean = pictures()
    apart = loss("mse")(output, clean) + 0.6 * loss("log_ssim")(output, clean)
    assert loss("mse+0.6*log_ssim")(output, clean).item() == pytest.approx(apart.item())
    mean = loss("mse+0.6*log_ssim", mean_terms=True)(output, clean)
    assert mean.item() == pytest.approx(apart.item() / 2)


def test_the_gradient_is_that_of_finite_differences() -> None:
    output, clean = pictures(side=12)
    function = loss("mse+0.6*log_ssim")
    torch.autograd.gradcheck(lambda x: function(x, clean), output.requires_grad_())
