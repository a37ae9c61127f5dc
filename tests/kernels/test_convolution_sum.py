from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nasir.kernels.convolution_sum import Convolution, sum_of_modules
from nasir.kernels.reflection import ReflectedConv2d


@settings(max_examples=30, deadline=None)
@given(
    kernels=st.lists(
        st.tuples(st.sampled_from([1, 3, 5]), st.integers(1, 3)), min_size=1, max_size=4
    ),
    others=st.integers(0, 2),
)
def test_equals_the_modules_called_one_by_one(kernels: list[tuple[int, int]], others: int) -> None:
    torch.manual_seed(0)
    convolutions = [ReflectedConv2d(2, 2, k, dilation=d, bias=False).double() for k, d in kernels]
    modules: list[tuple[nn.Module, Convolution | None]] = [
        (c, Convolution(c.weight, c.dilation[0])) for c in convolutions
    ]
    modules += [(nn.LeakyReLU(0.1 * n), None) for n in range(others)]
    weights = torch.rand(len(modules), dtype=torch.float64, requires_grad=True)
    x = torch.randn(1, 2, 7, 6, dtype=torch.float64, requires_grad=True)
    terms = [(w, *pair) for w, pair in zip(weights, modules, strict=True)]
    found = sum_of_modules(terms)(x)
    wanted = sum(w * module(x) for w, module, _ in terms)
    asked = [weights, x, *(c.weight for c in convolutions)]
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(
        torch.autograd.grad(found.square().sum(), asked),
        torch.autograd.grad(wanted.square().sum(), asked),
    )
