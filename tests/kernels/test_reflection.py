from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nasir.kernels.reflection import AnySize, ReflectedConv2d, in_turn, reflect

SIDES = st.integers(1, 7)
BORDERS = st.integers(0, 20)


@given(SIDES, SIDES, BORDERS, BORDERS, BORDERS, BORDERS)
def test_reflect_is_numpys_reflect_for_any_border(
    height: int, width: int, left: int, right: int, top: int, bottom: int
) -> None:
    x = np.arange(2 * height * width, dtype=np.float64).reshape(1, 2, height, width)
    wanted = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), mode="reflect")
    assert np.array_equal(reflect(torch.from_numpy(x), left, right, top, bottom).numpy(), wanted)


@given(SIDES, SIDES, st.sampled_from([1, 3, 5]), st.integers(1, 3))
def test_a_convolution_keeps_the_size_and_halves_it_with_stride_2(
    height: int, width: int, kernel: int, dilation: int
) -> None:
    x = torch.rand(1, 1, height, width)
    assert ReflectedConv2d(1, 2, kernel, dilation=dilation)(x).shape == (1, 2, height, width)
    halved = ReflectedConv2d(1, 2, kernel, 2, dilation)(x)
    assert halved.shape == (1, 2, (height + 1) // 2, (width + 1) // 2)


def test_a_mean_filter_sees_the_mirror_image_at_the_border() -> None:
    conv = ReflectedConv2d(1, 1, 3, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]))
    row = torch.tensor([1.0, 2.0, 4.0]).expand(1, 1, 3, 3)
    assert conv(row)[0, 0, 0].tolist() == [4.0, 5.0, 4.0]


@given(st.integers(1, 5), st.integers(1, 70), st.integers(1, 70))
def test_every_size_is_padded_to_a_multiple_and_cropped_back(
    depth: int, height: int, width: int
) -> None:
    x = torch.rand(1, 1, height, width)
    any_size = AnySize(depth)
    padded = any_size(x)
    for side, whole in zip((height, width), padded.shape[-2:], strict=True):
        assert whole % 2**depth == 0
        assert whole >= max(side, 2 * 2**depth)
        assert whole - side < 2**depth or whole == 2 * 2**depth
    assert torch.equal(any_size.crop(padded, height, width), x)


@pytest.mark.parametrize("size", [32, 64])
def test_a_size_that_fits_is_not_padded(size: int) -> None:
    x = torch.rand(1, 1, size, size)
    assert AnySize(4)(x) is x


@pytest.mark.parametrize("size", [1, 2, 3, 6, 12])
@pytest.mark.parametrize("border", [(0, 0), (1, 0), (2, 5), (0, 7), (9, 4), (4, 4)])
def test_passes_in_turn_are_the_reflection_and_add_two_numbers_at_most(
    size: int, border: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[tuple[Tensor, Tensor]] = []
    pad = F.pad

    def noted(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        passes.append((x, pad(x, *args, **kwargs)))
        return passes[-1][1]

    x = torch.rand(2, 3, 4, size, dtype=torch.float64, requires_grad=True)
    wanted = np.pad(x.detach().numpy(), ((0, 0), (0, 0), (0, 0), border), mode="reflect")
    monkeypatch.setattr(F, "pad", noted)
    ours = in_turn(x, *border, -1)
    assert np.array_equal(ours.detach().numpy(), wanted)
    for before, after in passes:
        added = torch.autograd.grad(after, before, torch.ones_like(after), retain_graph=True)[0]
        assert added.max() <= 2
