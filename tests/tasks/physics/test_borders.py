"""What is beyond the borders, and parts of pictures with what is around them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasir.core.degradation import Degradation
from nasir.tasks.degradations.blur import GaussianBlur, MotionBlur
from nasir.tasks.degradations.downsampling import Bicubic, Lanczos2
from nasir.tasks.physics.borders import inside, window

NUMPY = {"mirrored": "symmetric", "repeated": "edge", "periodic": "wrap"}


@pytest.mark.parametrize("border", list(NUMPY))
def test_borders_are_those_of_numpy(border: str):
    line = np.arange(5)
    padded = np.pad(line, 12, mode=NUMPY[border])
    assert inside(np.arange(-12, 17), 5, border).tolist() == padded.tolist()


@pytest.mark.parametrize(
    "degradation",
    [
        *(kind(scale=scale) for kind in (Bicubic, Lanczos2) for scale in (2, 3, 8)),
        GaussianBlur(width=0.8),
        GaussianBlur(width=0.8, boundary="periodic"),
        MotionBlur(length=6, angle=30),
        GaussianBlur(width=0.5, boundary="periodic") + MotionBlur(length=3, boundary="periodic"),
    ],
    ids=str,
)
def test_a_part_is_degraded_as_it_is_in_the_whole(degradation: Degradation):
    scale, reach = degradation.scale, degradation.reach
    rng = np.random.default_rng(0)
    plane = rng.random((2, 12 * scale, 11 * scale)).astype(np.float32)
    whole = degradation.apply(torch.from_numpy(plane)[None], rng).degraded
    for side in (1, 4, 9):
        for top in range(12 - side + 1):
            for left in range(11 - side + 1):
                part = window(
                    plane, scale * top, scale * left, scale * side, reach, degradation.borders
                )
                seen = degradation.apply(torch.from_numpy(part)[None].contiguous(), rng).degraded
                inner = seen[..., reach // scale :, reach // scale :][..., :side, :side]
                expected = whole[..., top : top + side, left : left + side]
                torch.testing.assert_close(inner, expected, rtol=0, atol=3e-6)
