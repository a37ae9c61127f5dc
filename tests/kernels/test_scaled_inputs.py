from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nasir.kernels.scaled_inputs import conv2d_of_scaled


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_equals_the_sum_of_convolutions_of_scaled_features(kernel: int) -> None:
    torch.manual_seed(0)
    features = [torch.randn(2, c, 5, 6, dtype=torch.float64) for c in (1, 3)]
    weights = [torch.randn(4, c, kernel, kernel, dtype=torch.float64) for c in (1, 3)]
    scales = torch.rand(2, dtype=torch.float64).unbind()
    wanted = sum(
        F.conv2d(scale * x, weight, padding=kernel // 2)
        for scale, x, weight in zip(scales, features, weights, strict=True)
    )
    torch.testing.assert_close(conv2d_of_scaled(features, scales, weights), wanted)
