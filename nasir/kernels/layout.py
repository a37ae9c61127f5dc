"""The order of feature maps in memory, on which the kernels of a GPU depend."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nasir.kernels.choice import gradients_must_be_dense


def joined(maps: Sequence[Tensor]) -> Tensor:
    """`maps` along their channels.

    On a GPU, the gradient of each comes back as a tensor of its own, not as a part of the whole.
    """
    if gradients_must_be_dense(maps[0]):
        for one in maps:
            if one.requires_grad:
                one.register_hook(_dense)
    return torch.cat(list(maps), dim=1)


def _dense(gradient: Tensor) -> Tensor:
    innermost = gradient.ndim == 4 and gradient.stride(1) == 1 and gradient.shape[1] > 1
    memory = torch.channels_last if innermost else torch.contiguous_format
    return gradient.contiguous(memory_format=memory)


def channels_innermost(x: Tensor) -> Tensor:
    """``(N, C, H, W)`` with its channels innermost in memory, by its strides also where C is 1.

    There torch takes the strides of two layouts for the same, and convolutions choose by them.
    """
    if x.shape[1] > 1:
        return x.contiguous(memory_format=torch.channels_last)
    height, width = x.shape[-2:]
    return x.contiguous().as_strided(x.shape, (height * width, 1, width, 1))
