"""Parameters and multiply-adds against formulas written out."""

from __future__ import annotations

import pytest
import torch
from made_tasks import denoise
from torch import nn

from nasir.core.cost import cost
from nasir.core.search_space import Signature
from nasir.proxies.cost import MultiplyAdds, Parameters
from nasir.settings import building

AREA = 64 * 64


@pytest.mark.parametrize(("kernel", "groups", "bias"), [(3, 1, True), (5, 2, False), (1, 4, True)])
def test_a_convolution_costs_its_taps(probe_of, kernel: int, groups: int, bias: bool):
    conv = nn.Conv2d(4, 8, kernel, groups=groups, bias=bias, padding=kernel // 2)
    probe = probe_of(conv, torch.rand(1, 4, 20, 16))
    weights = 4 * 8 * kernel**2 // groups
    assert Parameters().value(probe) == weights + 8 * bias
    assert MultiplyAdds().value(probe) == weights * AREA


def test_the_cost_of_a_small_clearer_is_the_sum_of_its_layers(probe_of):
    """A bottleneck, the opening of a branch at half the size, a parallel module, a fusion."""
    settings = {"channels": 4, "cells": 1, "columns": 1, "bottlenecks": 1}
    space = building.make("space", {"name": "clearer", **settings})
    network = space.build(space.domain.decode([0]), Signature(3, 3))
    bottleneck = 3 * 4 + 4 * 4 * 9 + 4 * 16 + 3 * 16
    fine = bottleneck + 16 * 4 * 9 + 2 * 4 * 4 * 9 + 4 * 3
    coarse = 16 * 8 * 9 + 2 * 8 * 8 * 9 + 8 * 4
    normed = (4 + 4 + 16 + 16) + (4 + 8) + 2 * (4 + 8) + 4
    probe = probe_of(network, torch.rand(1, 3, 32, 32))
    assert Parameters().value(probe) == fine + coarse + 2 * normed + 3
    assert MultiplyAdds().value(probe) == fine * AREA + coarse * AREA / 4


@pytest.mark.parametrize("name", ["nasdip", "irnas"])
def test_costs_equal_those_that_limits_count(probe_of, name: str):
    small = {"depth": 2, "width": 4} if name == "nasdip" else {"layers": 1, "nodes": 1, "width": 4}
    space = building.make("space", {"name": name, **small})
    architecture = next(iter(space.domain)) if name == "nasdip" else space.named("all_conv")
    signature = Signature(2, 2)
    known = cost(architecture, space, denoise(), signature)
    probe = probe_of(space.build(architecture, signature), torch.rand(1, 2, 18, 20))
    assert Parameters().value(probe) == known["parameters"]
    assert MultiplyAdds().value(probe) == known["multiply_adds"]
