"""ZiCo against its formula written out in NumPy."""

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
from nasir.proxies.inputs import shuffled
from nasir.proxies.zico import ZiCo
from nasir.tasks.denoise import Denoise

SEED = 11


def probe_of(w: np.ndarray, v: np.ndarray) -> Probe:
    """V W as 1x1 convolutions, in float64, of noise and against noise."""
    convs = [nn.Conv2d(m.shape[1], m.shape[0], 1).double() for m in (w, v)]
    for conv, matrix in zip(convs, (w, v), strict=True):
        conv.weight = nn.Parameter(torch.from_numpy(matrix)[..., None, None])
        nn.init.zeros_(conv.bias)
    generator = torch.Generator().manual_seed(1)
    x, picture = (
        torch.rand(1, m.shape[axis], 6, 5, generator=generator, dtype=torch.float64)
        for m, axis in ((w, 1), (v, 0))
    )
    return Probe(nn.Sequential(*convs), x, Sample("noise", picture), denoise(), SEED)


def inputs_of(probe: Probe, count: int) -> list[np.ndarray]:
    """The network's input, then shuffled ones, as ``(C, H W)``."""
    generator = torch.Generator().manual_seed(SEED)
    others = [shuffled(probe.input, 6, 5, generator) for _ in range(count - 1)]
    return [x[0].flatten(1).numpy() for x in (probe.input, *others)]


def zico(layers: list[np.ndarray]) -> float:
    """sum_l log sum_w mean |g| / std |g|; each ``(inputs, weights)``."""
    total = 0.0
    for gradients in layers:
        sizes = np.abs(gradients)
        total += math.log(np.sum(sizes.mean(axis=0) / sizes.std(axis=0)))
    return total


def matrices() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 3)), rng.normal(size=(2, 4))


@pytest.mark.parametrize("count", [2, 5])
def test_it_is_its_formula(count: int):
    """The gradients are those of |V W X - D|^2 / n, written out; biases are no weights."""
    w, v = matrices()
    probe = probe_of(w, v)
    d = probe.sample.degraded[0].flatten(1).numpy()
    by_w, by_v = [], []
    for x in inputs_of(probe, count):
        e = 2 * (v @ w @ x - d) / d.size
        by_w.append((v.T @ e @ x.T).ravel())
        by_v.append((e @ (w @ x).T).ravel())
    expected = zico([np.array(by_w), np.array(by_v)])
    assert ZiCo(inputs=count).value(probe) == pytest.approx(expected, rel=1e-8)


def test_by_hand(monkeypatch: pytest.MonkeyPatch):
    """Gradients (1, -3) and (3, 5): 2 / 1 + 4 / 1 = 6; the second layer's do not vary."""
    found = iter([([1.0, -3.0], 4.0), ([3.0, 5.0], 4.0)])

    def gradients_at(probe: Probe, x: torch.Tensor) -> dict[str, torch.Tensor]:
        first, second = next(found)
        return {"a": torch.tensor([first]), "b": torch.tensor([[second]]), "c": torch.tensor([9.0])}

    monkeypatch.setattr(Probe, "gradients_at", gradients_at)
    assert ZiCo().value(probe_of(*matrices())) == pytest.approx(math.log(6))


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 100))
def test_the_scale_of_the_loss_does_not_matter(factor: float):
    class Scaled(Denoise):
        def loss(self, output, sample):
            return factor * super().loss(output, sample)

    probe = probe_of(*matrices())
    plain = ZiCo(inputs=3).value(probe)
    scaled = Probe(probe.network, probe.input, probe.sample, Scaled(), SEED)
    assert ZiCo(inputs=3).value(scaled) == pytest.approx(plain, rel=1e-6)


def test_gradients_that_do_not_vary_give_not_a_number():
    probe = probe_of(*matrices())
    flat = Probe(probe.network, torch.ones_like(probe.input), probe.sample, denoise(), SEED)
    assert math.isnan(ZiCo().value(flat))


def test_the_network_may_be_small_and_the_inputs_many():
    assert math.isfinite(ZiCo(inputs=9).value(probe_of(np.ones((1, 1)), np.ones((1, 1)))))
