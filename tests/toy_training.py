"""Pictures and networks that are trained in no time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.metrics import psnr
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.seeds import derived_seed
from nasir.core.task import Patches, Sample, Split, Task

HEIGHT, WIDTH = 20, 26


@attrs.define(slots=False)
class Waves(Task):
    """Random waves with noise, at half their size where `scale` is 2."""

    pictures: int = 6
    scale: int = 1
    known: bool = True
    sigma: float = 0.1

    @property
    def signature(self) -> Signature:
        return Signature(1, 1, self.scale)

    def samples(self, split: Split) -> Sequence[Sample]:
        sample = wave(f"{split}-wave", self.scale, self.sigma)
        return [sample if self.known else attrs.evolve(sample, clean=None)]

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        return (output - sample.degraded).square().mean()

    def metrics(self, restored: Tensor, sample: Sample) -> Mapping[str, float]:
        return {} if sample.clean is None else {"psnr": psnr(restored, sample.clean)}

    def unrestored(self, sample: Sample) -> Tensor:
        return nn.functional.interpolate(sample.degraded, scale_factor=self.scale)

    def patches(self) -> Patches:
        names = tuple(f"wave{i}" for i in range(self.pictures))
        return WavePatches(names, self.scale, self.sigma)


def wave(name: str, scale: int, sigma: float) -> Sample:
    rng = np.random.default_rng(derived_seed(name))
    rows, columns = np.mgrid[: HEIGHT * scale, : WIDTH * scale] / scale
    clean = 0.5 + 0.4 * np.sin(rng.random() * rows + rng.random() * columns + 6 * rng.random())
    small = clean[::scale, ::scale]
    degraded = small + sigma * rng.standard_normal(small.shape)
    return Sample(name, _tensor(degraded), _tensor(clean))


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))[None, None]


@attrs.frozen
class WavePatches(Patches):
    names: tuple[str, ...] = attrs.field()
    scale: int = 1
    sigma: float = 0.1

    @property
    def largest_side(self) -> int:
        return HEIGHT

    def batch(self, seed: int, count: int, side: int) -> tuple[Tensor, Tensor]:
        rng, scale = np.random.default_rng(seed), self.scale
        degraded, clean = [], []
        for i in rng.integers(len(self.names), size=count):
            sample = self.sample(self.names[i])
            assert sample.clean is not None
            top, left = rng.integers(HEIGHT - side + 1), rng.integers(WIDTH - side + 1)
            degraded.append(_cut(sample.degraded, top, left, side))
            clean.append(_cut(sample.clean, scale * top, scale * left, scale * side))
        return torch.cat(degraded), torch.cat(clean)

    def sample(self, name: str) -> Sample:
        return wave(name, self.scale, self.sigma)

    def only(self, names: Sequence[str]) -> WavePatches:
        return attrs.evolve(self, names=tuple(names))


def _cut(picture: Tensor, top: int, left: int, side: int) -> Tensor:
    return picture[..., top : top + side, left : left + side]


@attrs.define(slots=False)
class Small(SearchSpace):
    """One hidden layer of 2, 3 or 4 channels, with everything that a training has to carry on.

    That is statistics of batches, and noise from torch's own generator.
    """

    default_evaluator = "train"

    shuffles: bool = True

    @property
    def domain(self) -> Domain:
        return Domain("small", [Decision("width", (2, 3, 4))])

    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        width = int(architecture.choices["width"])
        scale = signature.scale if self.shuffles else 1
        return nn.Sequential(
            nn.Conv2d(signature.in_channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv2d(width, scale**2 * signature.out_channels, 3, padding=1),
            nn.PixelShuffle(scale),
        )


def network(scale: int = 1, width: int = 3) -> nn.Module:
    """A network of :class:`Small`, the same every time."""
    space = Small()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return space.build(space.domain.architecture({"width": width}), Signature(1, 1, scale))
