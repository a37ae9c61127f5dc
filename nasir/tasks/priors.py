"""Several networks side by side, each a prior of its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Priors(nn.Module):
    """Networks with input channels of their own, their outputs one after another.

    ``(N, networks x C, H, W)`` to ``(N, sum of the networks' outputs, H, W)``.
    """

    def __init__(self, *networks: nn.Module) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        parts = x.chunk(len(self.networks), dim=1)
        outputs = [network(part) for network, part in zip(self.networks, parts, strict=True)]
        return torch.cat(outputs, dim=1)


class Square(nn.Module):
    """A module for square pictures, made as wide as its input by zeros on the right.

    ``(N, C, H, W)`` to ``(N, D, H, W)`` where the module takes ``(N, C, H, H)`` to
    ``(N, D, H, H)``, with W >= H.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        return F.pad(self.module(x[..., :height]), (0, width - height))


class WithColour(nn.Module):
    """A module and one free colour, which starts at zero, as further channels of its output."""

    def __init__(self, module: nn.Module, channels: int) -> None:
        super().__init__()
        self.module = module
        self.colour = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        output = self.module(x)
        colour = self.colour.expand(len(output), -1, *output.shape[-2:])
        return torch.cat([output, colour], dim=1)
