"""What a probe lends to proxies."""

from __future__ import annotations

import torch
from made_tasks import denoise, super_resolution
from torch import nn

from nasir.core.proxy import Probe
from nasir.core.task import Sample


def made(seed: int = 0) -> Probe:
    network = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1))
    sample = Sample("noise", torch.rand(1, 2, 16, 16))
    return Probe(network, torch.rand(1, 2, 16, 16), sample, denoise(), seed)


def test_the_output_does_not_change_statistics():
    probe = made()
    before = {name: value.clone() for name, value in probe.network.state_dict().items()}
    assert probe.output.shape == (1, 2, 16, 16)
    assert all(torch.equal(v, before[n]) for n, v in probe.network.state_dict().items())


def test_a_copy_is_anothers_and_draws_from_the_probes_seed():
    probe, drawn = made(seed=5), []
    before = torch.get_rng_state()
    for _ in range(2):
        with probe.copied() as network:
            drawn.append(torch.rand(3))
            nn.init.zeros_(network[0].weight)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(*drawn)
    assert torch.equal(drawn[0], torch.rand(3, generator=torch.Generator().manual_seed(5)))
    assert probe.network[0].weight.any()


def test_gradients_are_those_of_the_tasks_loss_where_the_picture_was_observed():
    task = super_resolution(scale=2)
    clean = torch.rand(1, 1, 32, 32)
    sample = task.degrade("noise", clean)
    network = nn.Conv2d(1, 1, 1)
    probe = Probe(network, torch.rand(1, 1, 32, 32), sample, task)
    loss = (sample.forward_operator(network(probe.input)) - sample.degraded).square().mean()
    loss.backward()
    for name, parameter in network.named_parameters():
        assert torch.allclose(probe.gradients[name], parameter.grad, rtol=1e-5)


def test_gradients_are_computed_without_recording_and_only_of_trainable_weights():
    probe = made()
    probe.network[0].bias.requires_grad_(False)
    with torch.no_grad():
        assert set(probe.gradients) == {"0.weight", "1.weight", "1.bias", "2.weight", "2.bias"}
    assert probe.gradients["0.weight"].any()
    assert all(p.grad is None for p in probe.network.parameters())
