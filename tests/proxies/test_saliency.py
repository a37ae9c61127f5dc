"""SNIP and the gradients' norm against gradients got in other ways."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tasks import denoise
from torch import nn

from nasir.core.proxy import Probe
from nasir.core.task import Sample
from nasir.proxies.saliency import GradNorm, Snip

ACTIVATIONS = [nn.ReLU(), nn.LeakyReLU(0.2), nn.SELU(), nn.PReLU(), nn.Sigmoid()]


def probe_of(network: nn.Module, x: np.ndarray, picture: np.ndarray) -> Probe:
    """In float64, with the mean squared error that Denoise has."""
    given, wanted = (torch.from_numpy(a) for a in (x, picture))
    return Probe(network.double(), given, Sample("noise", wanted), denoise())


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape) + sum(shape)).normal(size=shape)


def linear(w: np.ndarray, v: np.ndarray) -> nn.Module:
    """V W as 1x1 convolutions."""
    layers = [nn.Conv2d(m.shape[1], m.shape[0], 1, bias=False) for m in (w, v)]
    for layer, matrix in zip(layers, (w, v), strict=True):
        layer.weight = nn.Parameter(torch.from_numpy(matrix)[..., None, None])
    return nn.Sequential(*layers)


def test_of_a_linear_network_they_are_those_of_its_closed_form():
    """L = |V W X - D|^2 / n: dL/dV = 2 E (W X)' / n and dL/dW = 2 V' E X' / n."""
    w, v, x, d = random(3, 2), random(2, 3), random(1, 2, 4, 5), random(1, 2, 4, 6)[..., :5]
    flat, wanted = x[0].reshape(2, -1), d[0].reshape(2, -1)
    e = 2 * (v @ w @ flat - wanted) / wanted.size
    by_v, by_w = e @ (w @ flat).T, v.T @ e @ flat.T
    probe = probe_of(linear(w, v), x, d)
    snip = np.abs(by_v * v).sum() + np.abs(by_w * w).sum()
    assert Snip().value(probe) == pytest.approx(snip, rel=1e-9)
    norms = np.linalg.norm(by_v) + np.linalg.norm(by_w)
    assert GradNorm().value(probe) == pytest.approx(norms, rel=1e-9)


def test_one_weight_by_hand():
    """L = (3 * 2 - 1)^2: dL/dw = 2 * 5 * 2 = 20, and 3 * 20 = 60."""
    network = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(network.weight, 3.0)
    probe = probe_of(network, np.full((1, 1, 1, 1), 2.0), np.ones((1, 1, 1, 1)))
    assert (GradNorm().value(probe), Snip().value(probe)) == (20, 60)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_they_are_those_of_finite_differences(activation: nn.Module):
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), activation, nn.Conv2d(3, 2, 1)]
    probe = probe_of(nn.Sequential(*layers), random(1, 2, 5, 6), random(1, 2, 5, 7)[..., :6])
    norms, saliency, step = 0.0, 0.0, 1e-6
    with torch.no_grad():
        for parameter in probe.network.parameters():
            gradient = torch.zeros_like(parameter)
            for place in np.ndindex(*parameter.shape):
                at, losses = parameter[place].item(), []
                for moved in (at + step, at - step):
                    parameter[place] = moved
                    losses.append(probe.task.loss(probe.network(probe.input), probe.sample).item())
                parameter[place] = at
                gradient[place] = (losses[0] - losses[1]) / (2 * step)
            norms += gradient.norm().item()
            saliency += (gradient * parameter).abs().sum().item()
    assert GradNorm().value(probe) == pytest.approx(norms, rel=1e-4)
    assert Snip().value(probe) == pytest.approx(saliency, rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 10))
def test_a_scale_that_the_batch_norm_undoes_divides_the_gradient_and_leaves_snip(factor: float):
    torch.manual_seed(0)
    convs = nn.Conv2d(2, 3, 3, bias=False), nn.Conv2d(3, 1, 1, bias=False)
    network = nn.Sequential(
        convs[0], nn.BatchNorm2d(3, eps=1e-12, affine=False), nn.ReLU(), convs[1]
    )
    x, picture = random(1, 2, 6, 6), random(1, 1, 4, 4)
    one = probe_of(network, x, picture)
    before = Snip().value(one), one.gradients["0.weight"].norm().item()
    with torch.no_grad():
        convs[0].weight.mul_(factor)
    scaled = probe_of(network, x, picture)
    assert Snip().value(scaled) == pytest.approx(before[0], rel=1e-6)
    assert scaled.gradients["0.weight"].norm().item() == pytest.approx(before[1] / factor, rel=1e-6)


def test_gradients_are_computed_once_for_both_proxies(monkeypatch: pytest.MonkeyPatch):
    probe = probe_of(linear(random(3, 2), random(2, 3)), random(1, 2, 4, 4), random(1, 2, 4, 4))
    Snip().value(probe)
    monkeypatch.setattr(Probe, "gradients_at", None)
    assert GradNorm().value(probe) > 0


def test_a_parameter_that_plays_no_part_counts_nothing():
    network = linear(random(3, 2), random(2, 3))
    probe = probe_of(network, random(1, 2, 4, 4), random(1, 2, 4, 4))
    network.unused = nn.Parameter(torch.ones(5))
    more = probe_of(network, random(1, 2, 4, 4), random(1, 2, 4, 4))
    assert torch.equal(more.gradients["unused"], torch.zeros(5))
    assert Snip().value(more) == Snip().value(probe)
    assert GradNorm().value(more) == GradNorm().value(probe)
