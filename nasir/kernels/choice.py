"""Which form of an operation is computed: as it is written, or rewritten.

Every choice by size, device or installed package is made here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

import torch
from torch import Tensor, nn

MEMORY_FORMAT = torch.channels_last
"""Convolutions on CPUs are up to twice as fast with the channels innermost in memory."""

SAVED_MULTIPLY_ADDS = 200_000_000
"""Multiply-adds that four convolutions must save to repay their border and the reordering."""


def four_convolutions_are_faster(x: Tensor, conv: nn.Conv2d) -> bool:
    """Whether :func:`~nasir.kernels.nearest_conv.nearest_conv2d` splits `conv` into four.

    Not on a GPU: there a step with four took 1.35 to 1.57 times as long (docs/results.md).
    """
    if x.is_cuda:
        return False
    kernel = conv.kernel_size[0]
    r = (kernel - 1) // 2
    if kernel == 1 or conv.dilation[0] > 1 or conv.groups > 1 or min(x.shape[-2:]) < 2 * r + 2:
        return False
    saved = 4 * x.numel() * conv.out_channels * (kernel**2 - (r + 1) ** 2)
    return saved >= SAVED_MULTIPLY_ADDS


def must_repeat(x: Tensor) -> bool:
    """Whether gradients by `x` are to be added in an order that never changes.

    On a CPU they always are. On a GPU it costs time, and is done where cuDNN is told to be
    deterministic, as :func:`~nasir.training.randomness.repeatable` does.
    """
    return x.is_cuda and torch.backends.cudnn.deterministic


def gradients_must_be_dense(x: Tensor) -> bool:
    """Whether the gradients of parts of a map are copied before batch normalisation sees them.

    On a GPU its kernel for others takes ten times as long (docs/results.md).
    """
    return x.is_cuda and not exporting()


def exporting() -> bool:
    """Whether the network is being compiled or traced, for any size of picture."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


@cache
def torchvision_deform_conv() -> Callable[..., Tensor] | None:
    """``torchvision.ops.deform_conv2d`` where torchvision can be imported; it is no dependency."""
    try:
        kernel: Callable[..., Tensor] = import_module("torchvision.ops").deform_conv2d
    except Exception:  # a torchvision built for another torch fails with more than ImportError
        return None
    return kernel
