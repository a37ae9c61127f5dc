"""How degradations compose, and which do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasir.core.degradation import Degradation, ForwardOperator, Size
from nasir.core.errors import NasirError, SettingsError
from nasir.core.operator import Operator
from nasir.tasks.degradations.blur import GaussianBlur, MotionBlur
from nasir.tasks.degradations.downsampling import Bicubic, Lanczos2
from nasir.tasks.degradations.gaussian import Gaussian
from nasir.tasks.degradations.jpeg import Jpeg
from nasir.tasks.degradations.mask import Mask
from nasir.tasks.degradations.poisson import Poisson


def picture(height: int = 24, width: int = 36) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_composition_is_one_after_the_other():
    blur, small, noise = GaussianBlur(width=0.8), Bicubic(scale=2), Gaussian(sigma=10)
    seen = (blur + small + noise).apply(picture(), rng())
    expected = small.apply(blur.apply(picture(), rng()).degraded, rng()).degraded
    assert torch.equal(seen.operator(picture()), expected)
    assert torch.equal(seen.degraded, noise.observe(expected, rng()))


def test_sizes_scales_and_reaches_multiply_and_add_up():
    both = Bicubic(scale=2) + MotionBlur(length=5) + Lanczos2(scale=3)
    assert both.scale == 6
    assert both.output_size((24, 36)) == (4, 6)
    assert both.reach == 30  # 6, 2 x 2 and 2 x 9 clean pixels, up to a multiple of 6


def test_pixels_that_are_not_observed_have_no_noise():
    seen = (Mask() + Gaussian(sigma=50)).apply(picture(), rng())
    missing = (seen.operator.mask == 0).expand_as(seen.degraded)
    assert not seen.degraded[missing].any()
    assert torch.equal(seen.operator.mask, Mask().apply(picture(), rng()).operator.mask)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            (Gaussian(), GaussianBlur()),
            "GaussianBlur cannot follow Gaussian: forward operators come",
        ),
        ((Jpeg(), Bicubic()), "Bicubic cannot follow Jpeg"),
        ((Mask(), Bicubic()), "Bicubic cannot follow Mask, which leaves pixels unobserved"),
        ((GaussianBlur(boundary="valid"), Bicubic()), "leaves pixels unobserved"),
        ((Gaussian(), Poisson(), Gaussian(sigma=3)), "Gaussian is joined with another Gaussian"),
    ],
)
def test_what_cannot_follow_is_refused_in_one_line(parts: tuple[Degradation, ...], message: str):
    with pytest.raises(SettingsError, match=message) as refused:
        sum(parts[1:], parts[0])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("degradation", "size", "message"),
    [
        (Bicubic(scale=2) + Lanczos2(scale=8), (24, 24), "12 x 12 pixels cannot be divided by 8"),
        (
            Bicubic(scale=4) + GaussianBlur(width=1),
            (24, 24),
            "9 x 9 pixels is larger than .* 6 x 6",
        ),
        (MotionBlur(length=25), (24, 36), "25 x 25 pixels is larger than the picture of 24 x 36"),
    ],
)
def test_operators_whose_sizes_do_not_fit_are_refused_in_one_line(
    degradation: Degradation, size: Size, message: str
):
    with pytest.raises(NasirError, match=message) as refused:
        degradation.apply(picture(*size), rng())
    assert "\n" not in str(refused.value)


class Darker(Operator):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 2


class Dark(ForwardOperator):
    """An operator of a plugin, with nothing but the abstract method."""

    def operator(self, size: Size, generator: np.random.Generator) -> Operator:
        return Darker()


def test_an_operator_of_a_plugin_needs_one_method():
    seen = (Dark() + Mask()).apply(picture(), rng())
    assert torch.equal(seen.degraded, picture() / 2 * seen.operator.mask)
    assert not seen.operator.has_adjoint
    with pytest.raises(NotImplementedError, match="Darker has no adjoint"):
        seen.operator.adjoint(picture())
