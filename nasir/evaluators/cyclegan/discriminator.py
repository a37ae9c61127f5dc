"""The discriminator of real and generated pictures (PatchGAN), and its pool of generated ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

FIELDS = {1: 16, 2: 34, 3: 70}
"""Pixels that an output sees along a side, by the number of halvings."""

SLOPE = 0.2
DEVIATION = 0.02


def halvings(side: int) -> int:
    """How many halvings suit pictures of `side` pixels: 70 x 70 patches, or smaller ones."""
    return max((n for n, field in FIELDS.items() if field <= side), default=1)


def patch_gan(width: int, side: int) -> nn.Sequential:
    """PatchGAN (Isola et al. 2017): ``(N, 3, side, side)`` to a map of scores ``(N, 1, h, w)``.

    4 x 4 convolutions, of stride 2 as often as :func:`halvings` says and then twice of stride 1,
    with instance normalisation and leaky ReLU; `width`, then twice as many channels each time.
    Weights from N(0, 0.02^2), by torch's global generator.
    """
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(SLOPE)]
    strides = [2] * (halvings(side) - 1) + [1]
    for stride in strides:
        layers += [
            nn.Conv2d(width, 2 * width, 4, stride, 1),
            nn.InstanceNorm2d(2 * width),
            nn.LeakyReLU(SLOPE),
        ]
        width *= 2
    network = nn.Sequential(*layers, nn.Conv2d(width, 1, 4, 1, 1))
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, 0, DEVIATION)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    return network


class ReplayPool:
    """A history of made pictures (Shrivastava et al. 2017; CycleGAN section 4)."""

    def __init__(self, size: int, generator: np.random.Generator) -> None:
        self.size, self.generator = size, generator
        self.kept: list[Tensor] = []

    def swapped(self, pictures: Tensor) -> Tensor:
        """`pictures`, of which about half are exchanged for earlier ones once the pool is full."""
        return torch.stack([self._swapped(picture) for picture in pictures])

    def _swapped(self, picture: Tensor) -> Tensor:
        if len(self.kept) < self.size:
            self.kept.append(picture)
            return picture
        if self.size == 0 or self.generator.random() < 0.5:
            return picture
        place = int(self.generator.integers(self.size))
        earlier, self.kept[place] = self.kept[place], picture
        return earlier
