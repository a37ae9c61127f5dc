"""What holds for every proxy that comes with nasir, on networks of all spaces."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from made_tasks import denoise

from nasir.core.cost import COST
from nasir.core.evaluator import Problem
from nasir.core.proxy import Probe, Proxy
from nasir.core.registry import registries
from nasir.core.search_space import Signature
from nasir.core.task import Sample
from nasir.core.trial import FULL, Proposal
from nasir.evaluators.proxy import ProxyEvaluator
from nasir.settings import building
from nasir.tasks.denoise import Denoise
from nasir.testing import ProxyContract
from nasir.testing.proxies import state

SMALL = {
    "nasdip": {"depth": 2, "width": 8},
    "hinas": {"layers": 1, "nodes": 2, "width": 4},
    "irnas": {"layers": 1, "nodes": 2, "width": 4},
    "clearer": {"channels": 4, "cells": 1, "columns": 2},
}
PROXIES = [*registries["proxy"]]


def made(name: str, seed: int = 0) -> Probe:
    """A network of a space with other weights, input and picture for each seed."""
    space = building.make("space", {"name": name, **SMALL[name]})
    architecture = space.domain.sample(np.random.default_rng(0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = space.build(architecture, Signature(3, 3))
        picture = Sample("noise", torch.rand(1, 3, 16, 18))
        x = torch.rand(1, 3, 16, 18) * 0.1
    return Probe(network, x, picture, denoise(), seed, space.smallest_side)


@pytest.mark.parametrize("name", PROXIES)
class TestProxies(ProxyContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.name = name
        self.ignores_weights = name in COST

    def make(self) -> Proxy:
        return building.make("proxy", self.name)


@pytest.mark.parametrize("space", SMALL)
def test_values_of_a_space_are_the_same_whichever_proxies_came_before(space: str):
    probe, other = made(space), made(space)
    before = state(probe)
    values = {name: building.make("proxy", name).value(probe) for name in PROXIES}
    assert all(map(math.isfinite, values.values()))
    after = state(probe)
    assert all(torch.equal(before[key], after[key]) for key in before)
    for name in reversed(PROXIES):
        assert building.make("proxy", name).value(other) == values[name]


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


def test_more_is_better_but_for_distances_between_spectra_and_bandwidths():
    """Abdelfattah et al. 2021, Mellor et al. 2021, Lin et al. 2021, Li et al. 2023; ISNAS-DIP."""
    less = {name for name in PROXIES if not registries["proxy"].load(name).larger_is_better}
    assert less == {name for name in PROXIES if name.startswith(("psd_", "bandwidth_"))}
