"""The weighted sum of several convolutions as one: a convolution is linear in its kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.kernels.reflection import reflect

Step = Callable[[Tensor], Tensor]


@attrs.frozen(eq=False)
class Convolution:
    """A convolution with reflected borders and without bias: kernel ``(O, C, k, k)`` of odd k."""

    kernel: Tensor
    dilation: int


def sum_of_modules(terms: Sequence[tuple[Tensor, nn.Module, Convolution | None]]) -> Step:
    """``sum_i w_i M_i(x)`` as a function of x, of the weights, modules, and equal convolutions.

    Modules with an equal convolution become one convolution for each dilation. Its kernel is the
    weighted sum of theirs, centred, and is computed once, before any x.
    """
    if len(terms) == 1:
        [(weight, module, _)] = terms
        return lambda x: weight * module(x)
    others = [(weight, module) for weight, module, equal in terms if equal is None]
    kernels: dict[int, list[Tensor]] = {}
    for weight, _, equal in terms:
        if equal is not None:
            kernels.setdefault(equal.dilation, []).append(weight * equal.kernel)
    merged = [Convolution(_centred_sum(of), dilation) for dilation, of in kernels.items()]

    def total(x: Tensor) -> Tensor:
        alone = [weight * module(x) for weight, module in others]
        return reduce(torch.add, [*alone, *(_convolved(x, conv) for conv in merged)])

    return total


def _centred_sum(kernels: Sequence[Tensor]) -> Tensor:
    """The sum of kernels ``(O, C, k, k)`` of several odd k, aligned at their centres."""
    by_size: dict[int, list[Tensor]] = {}
    for kernel in kernels:
        by_size.setdefault(kernel.shape[-1], []).append(kernel)
    largest = max(by_size)
    padded = [
        F.pad(reduce(torch.add, of), ((largest - size) // 2,) * 4) for size, of in by_size.items()
    ]
    return reduce(torch.add, padded)


def _convolved(x: Tensor, conv: Convolution) -> Tensor:
    border = conv.dilation * (conv.kernel.shape[-1] - 1) // 2
    x = reflect(x, border, border, border, border) if border else x
    return F.conv2d(x, conv.kernel, dilation=conv.dilation)
