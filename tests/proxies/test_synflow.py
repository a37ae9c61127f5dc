"""SynFlow against the product of absolute matrices, and the law that it is built on."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tasks import denoise
from torch import nn

from nasir.core.proxy import Probe
from nasir.core.task import Sample
from nasir.proxies.synflow import SynFlow

ACTIVATIONS = [nn.ReLU, lambda: nn.LeakyReLU(0.2, inplace=True), nn.PReLU, nn.Identity]


def linear(*layers: nn.Module) -> Probe:
    """A network of 1x1 convolutions of one pixel, so that they are matrices."""
    network = nn.Sequential(*layers)
    first = next(m for m in network if isinstance(m, nn.Conv2d))
    x = torch.rand(1, first.in_channels, 1, 1)
    return Probe(network, x, Sample("noise", torch.rand(1, 1, 1, 1)), denoise())


def conv(matrix: np.ndarray, bias: np.ndarray | None = None) -> nn.Conv2d:
    layer = nn.Conv2d(matrix.shape[1], matrix.shape[0], 1, bias=bias is not None)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(matrix)[..., None, None])
        if layer.bias is not None and bias is not None:
            layer.bias.copy_(torch.from_numpy(bias))
    return layer


def matrices(*sizes: int) -> list[np.ndarray]:
    rng = np.random.default_rng(sum(sizes))
    pairs = zip(sizes[1:], sizes, strict=False)
    return [rng.normal(size=pair).astype(np.float32) for pair in pairs]


def flow(*weights: np.ndarray) -> float:
    """1' |W_L| ... |W_1| 1."""
    x = np.ones(weights[0].shape[1])
    for weight in weights:
        x = np.abs(weight).astype(float) @ x
    return float(x.sum())


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_of_l_layers_without_bias_holds_the_whole_flow(activation):
    """Tanaka et al. 2020, theorem 1: sum_theta theta dR/dtheta is R in each layer."""
    weights = matrices(3, 4, 5, 2)
    layers = [part for w in weights for part in (conv(w), activation())]
    assert SynFlow().value(linear(*layers)) == pytest.approx(3 * flow(*weights), rel=1e-9)


def test_by_hand():
    """|-2| * |3| + |4| * |-1| = 10 flows through each of the two layers."""
    probe = linear(conv(np.array([[-2.0], [4.0]])), nn.ReLU(), conv(np.array([[3.0, -1.0]])))
    assert SynFlow().value(probe) == 20


def test_a_bias_carries_the_flow_that_begins_at_it():
    w, v = matrices(3, 4, 2)
    b = np.array([1.0, -2.0, 3.0, -4.0], np.float32)
    through, from_bias = flow(w, v), float((np.abs(v).astype(float) @ np.abs(b)).sum())
    value = SynFlow().value(linear(conv(w, b), conv(v)))
    assert value == pytest.approx(2 * (through + from_bias), rel=1e-9)


def test_selu_multiplies_the_flow_by_its_scale():
    w, v = matrices(3, 4, 2)
    value = SynFlow().value(linear(conv(w), nn.SELU(), conv(v)))
    assert value == pytest.approx(2 * 1.0507009873554805 * flow(w, v), rel=1e-9)


def test_batch_norms_and_a_final_sigmoid_do_not_count():
    w, v = matrices(3, 4, 2)
    plain = SynFlow().value(linear(conv(w), nn.ReLU(inplace=True), conv(v)))
    norms = [nn.BatchNorm2d(4), nn.BatchNorm2d(2)]
    for norm in norms:
        nn.init.constant_(norm.weight, 7.0)
        nn.init.constant_(norm.bias, -3.0)
    layers = (conv(w), norms[0], nn.ReLU(inplace=True), conv(v), norms[1], nn.Sigmoid())
    probe = linear(*layers)
    probe.input = torch.rand(1, 3, 2, 2)  # a batch norm wants more than one value
    assert SynFlow().value(probe) == pytest.approx(4 * plain, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 100), st.booleans())
def test_the_flow_is_proportional_to_every_layers_scale_and_blind_to_signs(factor, flipped):
    w, v = matrices(3, 4, 2)
    scaled = np.float32(-factor if flipped else factor) * w
    value = SynFlow().value(linear(conv(scaled), nn.ReLU(), conv(v)))
    reference = SynFlow().value(linear(conv(w), nn.ReLU(), conv(v)))
    assert value == pytest.approx(factor * reference, rel=1e-5)


def test_neither_input_nor_picture_nor_signs_matter():
    w, v = matrices(3, 4, 2)
    one, other = linear(conv(w), conv(v)), linear(conv(-w), conv(v))
    other.input = one.input * -7
    assert SynFlow().value(one) == SynFlow().value(other)


def test_a_hundred_layers_do_not_overflow_and_the_logarithm_is_one():
    layers = [conv(np.full((1, 1), 10.0, np.float32)) for _ in range(100)]
    assert SynFlow().value(linear(*layers)) == pytest.approx(100 * 1e100, rel=1e-9)
    assert SynFlow(log=True).value(linear(*layers)) == pytest.approx(102 * math.log(10))


def test_no_flow_has_no_logarithm():
    probe = linear(conv(np.zeros((2, 3), np.float32)))
    assert SynFlow().value(probe) == 0
    assert SynFlow(log=True).value(probe) == -math.inf


def test_parameters_that_play_no_part_hold_no_flow():
    w, v = matrices(3, 4, 2)
    probe = linear(conv(w), conv(v))
    probe.network.register_parameter("unused", nn.Parameter(torch.ones(3)))
    assert SynFlow().value(probe) == pytest.approx(2 * flow(w, v), rel=1e-9)
