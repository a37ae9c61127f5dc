from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from nasir.kernels import choice, nearest_conv
from nasir.kernels.nearest_conv import nearest_conv2d
from nasir.kernels.reflection import ReflectedConv2d


@pytest.fixture(autouse=True, scope="module")
def four_convolutions_at_any_size():
    """Compute small maps as four convolutions, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "SAVED_MULTIPLY_ADDS", 0)
        yield


def test_four_convolutions_are_computed(monkeypatch) -> None:
    taken = []
    frame = nearest_conv._frame
    monkeypatch.setattr(nearest_conv, "_frame", lambda *maps: taken.append(1) or frame(*maps))
    nearest_conv2d(*_case(5, 9, 10))
    assert taken


SIDES = st.integers(1, 13)


def _case(
    kernel: int, height: int, width: int, dilation: int = 1, groups: int = 1, bias: bool = False
) -> tuple[Tensor, ReflectedConv2d]:
    torch.manual_seed(0)
    conv = ReflectedConv2d(2, 4, kernel, dilation=dilation, groups=groups, bias=bias).double()
    return torch.randn(2, 2, height, width, dtype=torch.float64, requires_grad=True), conv


def _plain(x: Tensor, conv: ReflectedConv2d) -> Tensor:
    return conv(F.interpolate(x, scale_factor=2, mode="nearest"))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([1, 3, 5, 7]), SIDES, SIDES, st.integers(1, 3), st.sampled_from([1, 2]))
def test_equals_the_convolution_of_the_resized_map(
    kernel: int, height: int, width: int, dilation: int, groups: int
) -> None:
    x, conv = _case(kernel, height, width, dilation, groups)
    torch.testing.assert_close(nearest_conv2d(x, conv), _plain(x, conv), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("bias", [False, True])
def test_adds_the_bias(kernel: int, bias: bool) -> None:
    x, conv = _case(kernel, 9, 10, bias=bias)
    torch.testing.assert_close(nearest_conv2d(x, conv), _plain(x, conv), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("size", [(8, 8), (9, 11), (3, 12), (1, 1)])
def test_gradients_equal_those_of_the_convolution_of_the_resized_map(
    kernel: int, size: tuple[int, int]
) -> None:
    x, conv = _case(kernel, *size)
    fast, plain = nearest_conv2d(x, conv), _plain(x, conv)
    towards = torch.randn_like(plain)
    gradients = torch.autograd.grad(fast, (x, conv.weight), towards)
    wanted = torch.autograd.grad(plain, (x, conv.weight), towards)
    torch.testing.assert_close(gradients, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kernel", [3, 5])
def test_second_derivatives_are_right(kernel: int) -> None:
    torch.manual_seed(0)
    conv = ReflectedConv2d(1, 1, kernel, bias=False).double()
    x = torch.randn(1, 1, 6, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: nearest_conv2d(x, conv), x)


def test_single_precision_agrees_to_rounding() -> None:
    torch.manual_seed(0)
    conv = ReflectedConv2d(32, 32, 5, bias=False)
    x = torch.randn(1, 32, 16, 16)
    torch.testing.assert_close(nearest_conv2d(x, conv), _plain(x, conv))


class _Layer(nn.Module):
    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = ReflectedConv2d(1, 1, kernel, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return nearest_conv2d(x, self.conv)


def test_an_export_does_not_change_later_calls() -> None:
    layer, x = _Layer(kernel=9), torch.rand(1, 1, 12, 12)
    exported = torch.export.export(layer, (x,)).module()
    torch.testing.assert_close(layer(x), _plain(x, layer.conv))
    torch.testing.assert_close(exported(x), layer(x))
