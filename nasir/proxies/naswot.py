"""NASWOT (Mellor, Turner, Storkey and Crowley 2021)."""

from __future__ import annotations

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.proxy import Probe, Proxy


@attrs.define
class NasWot(Proxy):
    """log |det K_H|, of how differently the units of a network respond to several inputs.

    K_H counts for two inputs the rectified units that are on for both or off for both. The inputs
    are made of the network's random one: its pixels, or as many as `side` lets in, in random
    orders. Minus infinity where two of them have one response, and of a network without
    rectifiers.
    """

    larger_is_better = True

    inputs: int = setting(16, "inputs in the minibatch, >= 2", must.ge(2))
    side: int = setting(32, "pixels of an input's side at most, >= 1", must.ge(1))

    def value(self, probe: Probe) -> float:
        import torch

        from nasir.proxies.activations import ActivationKernel
        from nasir.proxies.inputs import minibatch

        batch = minibatch(probe, self.inputs, self.side)
        kernel = ActivationKernel(self.inputs)
        with probe.copied() as network, torch.no_grad(), kernel:
            network(batch)
        return torch.linalg.slogdet(kernel.agreements).logabsdet.item()
