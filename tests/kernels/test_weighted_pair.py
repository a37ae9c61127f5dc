from __future__ import annotations

import torch

from nasir.kernels.weighted_pair import weighted_pair


def test_values_are_the_weighted_sum_and_gradients_are_right_twice() -> None:
    torch.manual_seed(0)
    tensors = [torch.rand(2), torch.randn(1, 2, 3, 3), torch.randn(1, 2, 3, 3)]
    inputs = [t.double().requires_grad_() for t in tensors]
    weights, p, f = inputs
    torch.testing.assert_close(weighted_pair(*inputs), weights[0] * p + weights[1] * f)
    assert torch.autograd.gradcheck(weighted_pair, inputs)
    assert torch.autograd.gradgradcheck(weighted_pair, inputs)
