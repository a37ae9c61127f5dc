"""Maps of what was observed, which a task gives to networks beside their input."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Hints(nn.Module):
    """The maps that a task gives, appended to others: ``(N, C, H, W) -> (N, C + count, H, W)``.

    They are in the middle, and what is around repeats their border. Zeros until :func:`give`; they
    are kept with the weights. A network that has a use for hints has as many as
    :attr:`~nasir.core.search_space.Signature.hints` where that is not 0.
    """

    maps: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("maps", torch.zeros(1, count, 1, 1))

    def forward(self, y: Tensor) -> Tensor:
        rows, columns = (y.shape[dim] - self.maps.shape[dim] for dim in (-2, -1))
        border = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
        maps = F.pad(self.maps, border, "replicate").to(y.dtype)
        return torch.cat([y, maps.expand(len(y), -1, -1, -1)], dim=1)


def give(network: nn.Module, maps: Tensor) -> None:
    """Give `maps` ``(1, hints, h, w)`` to the parts of `network` that take hints, if there are."""
    for part in network.modules():
        if isinstance(part, Hints):
            part.maps = maps


def give_kept(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give the maps in a `network`'s state, which are of any size."""
    for name, part in network.named_modules():
        if isinstance(part, Hints):
            part.maps = tensors.get(f"{name}.maps", part.maps)
