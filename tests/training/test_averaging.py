from __future__ import annotations

import torch
from torch import nn

from nasir.training.averaging import MovingAverage


def test_the_average_equals_a_plain_loop() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    average = MovingAverage(network, 0.5)
    expected = {k: v.double() for k, v in network.state_dict().items()}
    for step in range(1, 15):
        network(torch.randn(3, 1, 2, 2))
        with torch.no_grad():
            network[0].weight.add_(1.0)
        average.update(step)
        past = min(0.5, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            expected[name] = past * expected[name] + (1 - past) * value.double()
    for name, value in average.state.items():
        if value.is_floating_point():
            torch.testing.assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-6)
    assert average.state["1.num_batches_tracked"] == 14


def test_averaging_does_not_change_the_network() -> None:
    network = nn.Conv2d(1, 1, 1)
    before = network.weight.detach().clone()
    average = MovingAverage(network, 0.9)
    average.load({name: value + 1 for name, value in average.state.items()})
    average.update(1)
    assert torch.equal(network.weight.detach(), before)
    assert not torch.equal(average.state["weight"], before)
