"""Random numbers of training steps that can be repeated to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.backends import cudnn


@contextmanager
def repeatable(device: str, deterministic: bool = True) -> Iterator[None]:
    """Restore torch's generators afterwards; on a GPU, give the same bits each time.

    There, convolutions are those that cuDNN calls deterministic, and so are the borders and
    resizes of :mod:`nasir.kernels`. If not `deterministic`, torch chooses. Whether TF32 is allowed
    stays as it was.
    """
    if device == "cpu":
        with torch.random.fork_rng(devices=[]):
            yield
        return
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = deterministic, False
    try:
        with torch.random.fork_rng(devices=[torch.device(device)]):
            yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


def seed_torch(seed: int, device: str) -> None:
    """Seed the generator of `device`."""
    if device == "cpu":
        torch.default_generator.manual_seed(seed)  # manual_seed would seed every GPU, too
    else:
        torch.manual_seed(seed)
