"""SynFlow (Tanaka, Kunin, Yamins and Ganguli 2020)."""

from __future__ import annotations

import math

import attrs

from nasir.core.component import setting
from nasir.core.proxy import Probe, Proxy


@attrs.define
class SynFlow(Proxy):
    """Synaptic flow, sum |theta dR/dtheta| of R = 1' prod |theta^[l]| 1.

    R is the sum of the network's output for an input of ones, with the absolute values of all
    parameters. The output is taken from the last convolution, before a sigmoid, which these sums
    would saturate. Normalisations are replaced by the identity (Abdelfattah et al. 2021). In double
    precision, because R grows with every layer.
    """

    larger_is_better = True

    log: bool = setting(False, "whether the value is the natural logarithm of the sum")

    def value(self, probe: Probe) -> float:
        import torch

        from nasir.proxies.layers import features, neutralise_norms

        with torch.enable_grad(), probe.copied() as network:
            network.double()
            neutralise_norms(network)
            parameters = list(network.parameters())
            for parameter in parameters:
                parameter.data.abs_()
                parameter.requires_grad_()
            flow = features(network, torch.ones_like(probe.input, dtype=torch.float64)).sum()
            gradients = torch.autograd.grad(flow, parameters, allow_unused=True)
            total = sum(
                (parameter * gradient).abs().sum().item()
                for parameter, gradient in zip(parameters, gradients, strict=True)
                if gradient is not None
            )
        if self.log:
            return math.log(total) if total > 0 else -math.inf
        return float(total)
