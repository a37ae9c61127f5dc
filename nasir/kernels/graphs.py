"""What a CUDA graph cannot do: read a value from the device, and copy from the host."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor


def capturing(x: Tensor) -> bool:
    """Whether what is computed with `x` is being captured as a CUDA graph."""
    return x.is_cuda and torch.cuda.is_current_stream_capturing()


def used(weights: Tensor) -> Any:
    """Whether each weight differs from exactly zero, as nested lists; a bool for a scalar.

    In a CUDA graph all are used: there, one that becomes zero costs time alone.
    """
    if capturing(weights):
        return _all_of(weights.shape)
    return (weights.detach() != 0).tolist()


def _all_of(shape: Sequence[int]) -> Any:
    return [_all_of(shape[1:])] * shape[0] if shape else True


def on_host(weights: Tensor) -> Tensor:
    """`weights` on the CPU, where many are read one by one; those of a CUDA graph as they are."""
    return weights if capturing(weights) else weights.cpu()


def constant(numbers: Sequence[float], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """`numbers` on the device of `like`: the same tensor each time, which must not be changed."""
    return _constant(tuple(numbers), like.device, dtype)


@cache
def _constant(numbers: tuple[float, ...], device: torch.device, dtype: Any) -> Tensor:
    with torch.inference_mode(False):  # what is made in an evaluation has to serve a training too
        return torch.tensor(numbers, dtype=dtype, device=device)
