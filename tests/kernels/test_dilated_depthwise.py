from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nasir.kernels.dilated_depthwise import dilated_depthwise


@given(
    rate=st.integers(1, 5),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    kernel=st.sampled_from([1, 3, 5]),
    channels=st.integers(1, 3),
)
@settings(max_examples=30, deadline=None)
def test_values_and_gradients_equal_those_of_the_dilated_convolution(
    rate: int, height: int, width: int, kernel: int, channels: int
) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, channels, height, width, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(channels, 1, kernel, kernel, dtype=torch.float64, requires_grad=True)
    beside = rate * (kernel // 2)
    wanted = F.conv2d(x, weight, padding=beside, dilation=rate, groups=channels)
    found = dilated_depthwise(x, weight, rate)
    by = torch.randn_like(wanted)
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(
        torch.autograd.grad(found, [x, weight], by), torch.autograd.grad(wanted, [x, weight], by)
    )
