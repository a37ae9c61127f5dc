"""Random numbers of training steps that can be repeated to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def repeatable(device: str, deterministic: bool = True) -> Iterator[None]:
    """Restore torch's generators afterwards; on a GPU, give the same bits each time.

    There, convolutions are those that cuDNN calls deterministic, and so are the borders and
    resizes of :mod:`nasir.kernels`. If not `deterministic`, torch chooses.
    """
    if device == "cpu":
        with torch.random.fork_rng(devices=[]):
            yield
        return
    with (
        torch.random.fork_rng(devices=[torch.device(device)]),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=deterministic),
    ):
        yield


def seed_torch(seed: int, device: str) -> None:
    """Seed the generator of `device`."""
    if device == "cpu":
        torch.default_generator.manual_seed(seed)  # manual_seed would seed every GPU, too
    else:
        torch.manual_seed(seed)
