"""The Zen-score against the closed form of linear networks with Gaussian weights."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tasks import denoise
from torch import nn

from nasir.core.proxy import Probe
from nasir.core.task import Sample
from nasir.proxies.layers import batch_deviations, draw_gaussian_weights, features
from nasir.proxies.zen import Zen
from nasir.search_spaces.cells.deformable import DeformableConv2d

WIDE = 64


def probe_of(*layers: nn.Module, channels: int = WIDE, side: int = 16, seed: int = 0) -> Probe:
    x = torch.rand(1, channels, side, side)
    return Probe(nn.Sequential(*layers), x, Sample("noise", x), denoise(), seed)


def conv(in_channels: int = WIDE, out_channels: int = WIDE) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 1)


def test_of_one_layer_it_is_the_norm_of_gaussian_matrices():
    """E |a W e| = a sqrt(C O P) for wide W from N(0, 1) and e of C x P."""
    value = Zen().value(probe_of(conv(WIDE, 96)))
    assert value == pytest.approx(math.log(0.01 * math.sqrt(WIDE * 96 * 256)), abs=0.05)


def test_the_scaling_of_batch_norms_is_undone():
    plain = math.log(0.01 * math.sqrt(WIDE * WIDE * WIDE * 256))
    layers = (conv(), conv())
    with_norm = (conv(), nn.BatchNorm2d(WIDE), conv())
    assert Zen().value(probe_of(*layers)) == pytest.approx(plain, abs=0.05)
    assert Zen().value(probe_of(*with_norm)) == pytest.approx(plain, abs=0.05)
    torch.manual_seed(0)
    behind = Zen().value(probe_of(conv(), nn.BatchNorm2d(WIDE), conv(), nn.Sigmoid()))
    assert behind == Zen().value(probe_of(*with_norm)), "a sigmoid at the end is not there"


@settings(max_examples=15, deadline=None)
@given(st.floats(0.25, 4), st.floats(0.01, 100))
def test_of_a_linear_network_it_grows_with_alpha_and_is_blind_to_the_first_weights(
    factor: float, scale: float
):
    network = (conv(8, 16), conv(16, 4))
    value = Zen(inputs=4).value(probe_of(*network, channels=8))
    with torch.no_grad():
        network[0].weight.mul_(scale)
    other = Zen(inputs=4, alpha=0.01 * factor).value(probe_of(*network, channels=8))
    assert other - value == pytest.approx(math.log(factor), abs=1e-3)


def test_the_deviation_of_a_batch_norm_is_the_root_mean_square_over_its_channels():
    norm = nn.BatchNorm2d(2, eps=0.5)
    x = torch.tensor([[[[1.0, 3.0]], [[0.0, 8.0]]]])  # variances 1 and 16
    with batch_deviations(norm) as deviations:
        norm(x)
    assert deviations[""] == pytest.approx(math.sqrt(8.5 + 0.5))
    with batch_deviations(norm) as deviations:
        norm(x)
        norm(2 * x)
    assert deviations[""] == pytest.approx(math.sqrt((8.5 + 34) / 2 + 0.5))


def test_features_are_those_of_the_last_layer_to_run():
    first, last = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)
    x = torch.randn(1, 1, 3, 3)
    network = nn.Sequential(first, last, nn.ReLU(inplace=True))
    with torch.no_grad():
        assert torch.equal(features(network, x), last(first(x)))
    assert torch.equal(features(nn.ReLU(), x), x.relu())


def test_weights_that_begin_at_zero_stay_there():
    torch.manual_seed(0)
    network = DeformableConv2d(32, 32)
    draw_gaussian_weights(network)
    assert not network.deformation.weight.any()
    assert network.weight.std().item() == pytest.approx(1, abs=0.03)


def test_no_change_has_no_logarithm():
    silent = conv(4, 4)
    nn.init.zeros_(silent.weight)
    assert Zen().value(probe_of(silent, channels=4)) == -math.inf
