"""One path through a supernet, as a network of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.seeds import derived_seed
from nasir.core.supernet import Supernet
from nasir.core.task import Patches


class SupernetPath(nn.Module):
    """The path of `architecture` through `supernet`, with the supernet's weights."""

    def __init__(self, supernet: Supernet, architecture: Architecture) -> None:
        super().__init__()
        self.supernet, self.architecture = supernet, architecture

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.supernet(x, self.architecture)
        return out

    def calibrate(self, patches: Patches, seed: int, batches: int, count: int, side: int) -> None:
        """Take the statistics of batch normalisation anew: the mean over some batches."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None
        self.train()
        device = next(self.parameters()).device
        with torch.no_grad():
            for turn in range(batches):
                degraded, _ = patches.batch(derived_seed(seed, turn), count, side)
                self(degraded.to(device))
