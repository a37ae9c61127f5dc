"""Zen-score (Lin, Wang, Sun, Chen, Sun, Qian, Li and Jin 2021)."""

from __future__ import annotations

import math

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.proxy import Probe, Proxy


@attrs.define
class Zen(Proxy):
    """log E ||f(x + a e) - f(x)|| + sum_i log s_i (Zen-NAS, algorithm 1), weights from N(0, 1).

    x and e are Gaussian; s_i is the standard deviation that batch normalisation i divides by, so
    that the sum undoes its scaling. f is the network up to its last convolution. The paper removes
    skip connections; here sums of paths stay, because they are searched.
    """

    larger_is_better = True

    inputs: int = setting(16, "Gaussian inputs, >= 1", must.ge(1))
    side: int = setting(32, "pixels of an input's side at most, >= 1", must.ge(1))
    alpha: float = setting(0.01, "the perturbation's standard deviation, > 0", must.gt(0))

    def value(self, probe: Probe) -> float:
        import torch

        from nasir.proxies.inputs import minibatch_size
        from nasir.proxies.layers import batch_deviations, draw_gaussian_weights, features

        size = minibatch_size(probe, self.inputs, self.side)
        with probe.copied() as network, torch.no_grad():
            draw_gaussian_weights(network)
            network.train()
            x, e = (torch.randn(size).to(probe.input) for _ in range(2))
            with batch_deviations(network) as deviations:
                before = features(network, x)
            change = (features(network, x + self.alpha * e) - before).flatten(1).norm(dim=1)
        expected = change.double().mean().item()
        if expected == 0:
            return -math.inf
        return math.log(expected) + sum(map(math.log, deviations.values()))
