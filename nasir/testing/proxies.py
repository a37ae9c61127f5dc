"""The contract of a proxy."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence

import attrs
import torch
from torch import Tensor, nn

from nasir.core.proxy import Probe, Proxy
from nasir.core.task import Sample
from nasir.tasks.denoise import Denoise
from nasir.testing.components import ComponentContract


class Dropping(nn.Module):
    """Draws from torch's generator in every pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.dropout(self.conv(x).relu(), 0.5, True)


def _normed() -> nn.Module:
    """Statistics that a pass moves, and parameters that play no part at first."""
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 6, 3, padding=1, groups=3),
        nn.BatchNorm2d(6),
        nn.LeakyReLU(),
        nn.Conv2d(6, 2, 1),
        nn.Sigmoid(),
    )


NETWORKS = {"dropping": Dropping, "normed": _normed}


class ProxyContract(ComponentContract):
    """What every proxy must do. A subclass gives `make`, and further `probes` if it likes."""

    ignores_weights = False
    """Whether the value follows from the architecture alone."""

    def make(self) -> Proxy:
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    def probes(self, seed: int = 0) -> Sequence[Probe]:
        """Probes of fresh networks, all made from `seed`."""
        return [probe_of(kind, seed) for kind in NETWORKS]

    def test_the_value_is_a_number(self) -> None:
        for probe in self.probes():
            value = self.make().value(probe)
            assert isinstance(value, float)
            # a network of one activation may well have an infinite value: a failed evaluation
            assert math.isfinite(value) or isinstance(probe.network, Dropping)

    def test_network_and_generator_are_left_as_they_were(self) -> None:
        for probe in self.probes():
            before = state(probe)
            self.make().value(probe)
            after = state(probe)
            assert before.keys() == after.keys()
            assert all(torch.equal(before[name], after[name]) for name in before)

    def test_the_same_seed_gives_the_same_value(self) -> None:
        for probe, other in zip(self.probes(), self.probes(), strict=True):
            value = self.make().value(probe)
            assert self.make().value(probe) == value
            assert self.make().value(other) == value

    def test_other_weights_give_another_value(self) -> None:
        for probe, other in zip(self.probes(0), self.probes(1), strict=True):
            same = self.make().value(probe) == self.make().value(other)
            assert same == self.ignores_weights

    def test_the_ground_truth_is_never_seen(self) -> None:
        for probe, other in zip(self.probes(), self.probes(), strict=True):
            truth = torch.full_like(other.sample.degraded, torch.nan)
            other.sample = attrs.evolve(other.sample, clean=truth)
            assert self.make().value(other) == self.make().value(probe)


def probe_of(kind: str, seed: int) -> Probe:
    """A fresh network of a kind, with input and picture, all made from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = NETWORKS[kind]()
        sample = Sample("noise", torch.rand(1, 2, 20, 22))
        return Probe(network, torch.rand(1, 2, 20, 22) * 0.1, sample, Denoise(), seed)


def state(probe: Probe) -> Mapping[str, Tensor]:
    """Parameters, their gradients and buffers, the modules' modes and hooks, torch's generator."""
    network = probe.network
    modes = {f"mode {name}": torch.tensor(m.training) for name, m in network.named_modules()}
    gradients = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules()]
    more = {"input": probe.input, "rng": torch.get_rng_state(), "hooks": torch.tensor(hooks)}
    return copy.deepcopy({**network.state_dict(), **modes, **gradients, **more})
