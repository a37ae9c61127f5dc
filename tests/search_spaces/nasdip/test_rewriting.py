from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nasir.search_spaces.nasdip import transform as transform_module
from nasir.search_spaces.nasdip.operations import operation
from nasir.search_spaces.nasdip.rewriting import after_nearest, as_convolution


@pytest.mark.parametrize(
    "name",
    ["Conv", "TransposedConv", "SplitStackSum", "SeparableConv", "DepthWiseConv", "Identity"],
)
@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_a_transform_after_nearest_equals_that_of_the_resized_map(name: str, kernel: int) -> None:
    torch.manual_seed(0)
    transform = getattr(transform_module, name)(8, 8, kernel, 1).double()
    x = torch.randn(2, 8, 9, 10, dtype=torch.float64)
    wanted = transform(F.interpolate(x, scale_factor=2, mode="nearest"))
    torch.testing.assert_close(after_nearest(transform, x), wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["conv", "split_stack_sum", "sep_conv", "depth_wise_conv"])
@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 2), (7, 1)])
def test_a_transform_equals_its_convolution(name: str, kernel: int, dilation: int) -> None:
    transform = operation("transform", name)(8, 8, kernel, dilation).double()
    same = as_convolution(transform)
    assert same is not None
    border = dilation * (kernel - 1) // 2
    x = torch.randn(1, 8, 9, 11, dtype=torch.float64)
    padded = F.pad(x, (border,) * 4, mode="reflect")
    torch.testing.assert_close(transform(x), F.conv2d(padded, same.kernel, dilation=same.dilation))
