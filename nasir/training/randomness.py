"""Steps that come to the same bits whenever they are done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def repeatable(device: str) -> Iterator[None]:
    """Leave torch's generators as they were; let a GPU convolve in one order only."""
    if device == "cpu":
        with torch.random.fork_rng(devices=[]):
            yield
        return
    with (
        torch.random.fork_rng(devices=[torch.device(device)]),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
    ):
        yield


def seed_torch(seed: int, device: str) -> None:
    """Seed the generators that networks on `device` draw from."""
    if device == "cpu":
        torch.default_generator.manual_seed(seed)  # manual_seed sees to every GPU, in vain
    else:
        torch.manual_seed(seed)
