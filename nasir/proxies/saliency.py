"""Proxies of the first gradient, summed over the whole network (Abdelfattah et al. 2021).

The loss is the task's, against the degraded picture, because there is no clean one.
"""

from __future__ import annotations

import attrs

from nasir.core.proxy import Probe, Proxy


@attrs.define
class Snip(Proxy):
    """Connection sensitivity, sum |theta dL/dtheta| (Lee, Ajanthan and Torr 2019)."""

    larger_is_better = True

    def value(self, probe: Probe) -> float:
        weights = dict(probe.network.named_parameters())
        return sum(
            (weights[name].detach() * gradient).abs().sum().item()
            for name, gradient in probe.gradients.items()
        )


@attrs.define
class GradNorm(Proxy):
    """The sum of the Euclidean norms of dL/dtheta, one for each parameter tensor."""

    larger_is_better = True

    def value(self, probe: Probe) -> float:
        return sum(gradient.norm().item() for gradient in probe.gradients.values())
