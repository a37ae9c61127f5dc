"""A space whose supernet is understood, and pictures to train it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.seeds import derived_seed
from nasir.core.supernet import Supernet
from nasir.core.task import Patches, Sample, Split, Task

OPTIONS = ("conv", "gain", "skip")
ROWS = 2


@attrs.define(slots=False)
class ToySpace(SearchSpace):
    """Two layers, each a 1x1 convolution, a gain or nothing."""

    default_evaluator = "train"

    @property
    def domain(self) -> Domain:
        return Domain("toy", [Decision(f"layer{row}", OPTIONS) for row in range(ROWS)])

    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        channels = signature.in_channels
        chosen = [architecture.choices[f"layer{row}"] for row in range(ROWS)]
        return nn.Sequential(*(_option(str(name), channels) for name in chosen))

    def supernet(self, signature: Signature, partial: int = 1) -> ToySupernet:
        return ToySupernet(self.domain, signature.in_channels)


def _option(name: str, channels: int) -> nn.Module:
    if name == "conv":
        return nn.Conv2d(channels, channels, 1)
    return Gain() if name == "gain" else nn.Identity()


class Gain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * x


class ToySupernet(Supernet):
    def __init__(self, domain: Domain, channels: int) -> None:
        super().__init__()
        self.domain = domain
        self.table = nn.Parameter(torch.zeros(ROWS, len(OPTIONS)))
        self.layers = nn.ModuleList(
            nn.ModuleList(_option(name, channels) for name in OPTIONS) for _ in range(ROWS)
        )

    def logits(self) -> Mapping[str, nn.Parameter]:
        return {"ops": self.table}

    def forward(self, x: Tensor, architecture: Architecture | None = None) -> Tensor:
        weights = self.weights_of("ops")
        if architecture is not None:
            chosen = [OPTIONS.index(str(architecture.choices[f"layer{r}"])) for r in range(ROWS)]
            weights = nn.functional.one_hot(torch.tensor(chosen), len(OPTIONS)).to(x.dtype)
        for layer, row in zip(self.layers, weights, strict=True):
            x = sum((w * option(x) for w, option in zip(row, layer, strict=True)), x.new_zeros(()))
        return x

    def derive(self) -> Architecture:
        best = self.weights_of("ops").argmax(-1).tolist()
        return self.domain.architecture({f"layer{r}": OPTIONS[o] for r, o in enumerate(best)})

    def skips(self, architecture: Architecture) -> int:
        return sum(option == "skip" for option in architecture.choices.values())


@attrs.define(slots=False)
class ToyTask(Task):
    """Smooth pictures that are half as bright as they were."""

    pictures: int = 6

    @property
    def signature(self) -> Signature:
        return Signature(1, 1)

    def samples(self, split: Split) -> Sequence[Sample]:
        return [_sample("test")]

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        return (output - sample.degraded).square().mean()

    def metrics(self, restored: Tensor, sample: Sample) -> Mapping[str, float]:
        assert sample.clean is not None
        error = (restored - sample.clean).square().mean().item()
        return {"psnr": -10 * float(np.log10(error + 1e-12)), "ssim": 1 - error}

    def patches(self) -> Patches:
        return ToyPatches(tuple(f"p{i}" for i in range(self.pictures)))


def _sample(name: str) -> Sample:
    rng = np.random.default_rng(derived_seed(name))
    clean = torch.from_numpy(rng.random((1, 1, 16, 16), dtype=np.float32))
    return Sample(name, 0.5 * clean, clean)


@attrs.frozen
class ToyPatches(Patches):
    names: tuple[str, ...] = attrs.field()

    @property
    def largest_side(self) -> int:
        return 16

    def batch(self, seed: int, count: int, side: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng(seed)
        drawn = [_sample(self.names[i]) for i in rng.integers(len(self.names), size=count)]
        clean = torch.cat([s.clean for s in drawn if s.clean is not None])[..., :side, :side]
        return 0.5 * clean, clean

    def sample(self, name: str) -> Sample:
        return _sample(name)

    def only(self, names: Sequence[str]) -> ToyPatches:
        return ToyPatches(tuple(names))
