"""What holds for every proxy that comes with nasir, on networks of all spaces."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from nasir.core.evaluator import Problem
from nasir.core.proxy import Probe
from nasir.core.registry import registries
from nasir.core.search_space import Signature
from nasir.core.task import Sample
from nasir.core.trial import FULL, Proposal
from nasir.evaluators.proxy import ProxyEvaluator
from nasir.settings import building
from nasir.tasks.denoise import Denoise

SMALL = {
    "nasdip": {"depth": 2, "width": 8},
    "hinas": {"layers": 1, "nodes": 2, "width": 4},
    "irnas": {"layers": 1, "nodes": 2, "width": 4},
    "clearer": {"channels": 4, "cells": 1, "columns": 2},
}
PROXIES = [*registries["proxy"]]


def made(name: str, seed: int = 0) -> Probe:
    """A random network of a space with another input and picture for each seed."""
    space = building.make("space", {"name": name, **SMALL[name]})
    architecture = space.domain.sample(np.random.default_rng(seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = space.build(architecture, Signature(3, 3))
        picture = Sample("noise", torch.rand(1, 3, 16, 18))
        x = torch.rand(1, 3, 16, 18) * 0.1
    return Probe(network, x, picture, Denoise(), seed, space.smallest_side)


def state(probe: Probe) -> dict[str, torch.Tensor]:
    """Parameters, their gradients and buffers, the modules' modes and torch's generator."""
    network = probe.network
    modes = {f"mode {name}": torch.tensor(m.training) for name, m in network.named_modules()}
    gradients = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules()]
    more = {"input": probe.input, "rng": torch.get_rng_state(), "hooks": torch.tensor(hooks)}
    return copy.deepcopy({**network.state_dict(), **modes, **gradients, **more})


@pytest.mark.parametrize("space", SMALL)
@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_is_a_number_and_changes_nothing(space: str, name: str):
    proxy, probe = building.make("proxy", name), made(space)
    before = state(probe)
    value = proxy.value(probe)
    assert isinstance(value, float)
    assert math.isfinite(value)
    after = state(probe)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("space", SMALL)
def test_values_do_not_depend_on_proxies_that_ran_before(space: str):
    names = [name for name in PROXIES if not name.startswith("psd")]
    probe, other = made(space), made(space)
    values = {name: building.make("proxy", name).value(probe) for name in names}
    for name in reversed(names):
        assert building.make("proxy", name).value(other) == values[name]


@pytest.mark.parametrize("name", [n for n in PROXIES if n not in ("parameters", "multiply_adds")])
def test_another_seed_has_another_value(name: str):
    one, other = (made("clearer", seed) for seed in (0, 1))
    proxy = building.make("proxy", name)
    assert proxy.value(one) != proxy.value(other)


class Dropping(nn.Module):
    """Draws from torch's generator in every pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.dropout(self.conv(x).relu(), 0.5, True)


@pytest.mark.parametrize("name", PROXIES)
def test_a_network_that_draws_does_not_move_global_generators(name: str):
    proxy = building.make("proxy", name)
    sample = Sample("noise", torch.rand(1, 2, 20, 20))
    probes = [Probe(Dropping(), torch.rand(1, 2, 20, 20), sample, Denoise(), 3)] * 2
    before = torch.get_rng_state()
    values = [proxy.value(probe) for probe in probes]
    assert values[0] == values[1]
    assert torch.equal(torch.get_rng_state(), before)


def test_the_evaluator_gives_all_of_them_without_ground_truth():
    class Blind(Denoise):
        def samples(self, split):
            generator = torch.Generator().manual_seed(0)
            return [Sample("a", torch.rand(1, 1, 20, 20, generator=generator), clean="truth")]

    space = building.make("space", {"name": "nasdip", **SMALL["nasdip"]})
    evaluator = ProxyEvaluator(proxies=tuple(PROXIES))
    problem = Problem(space, Blind(), {FULL: evaluator})
    architecture = space.domain.sample(np.random.default_rng(0))
    first, again = (evaluator.evaluate(Proposal(architecture), problem, 5) for _ in range(2))
    assert set(first.metrics) == set(PROXIES)
    assert first.metrics == again.metrics
    assert all(map(math.isfinite, first.metrics.values()))
