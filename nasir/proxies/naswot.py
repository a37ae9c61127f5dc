"""NASWOT (Mellor, Turner, Storkey and Crowley 2021)."""

from __future__ import annotations

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.proxy import Probe, Proxy


@attrs.define
class NasWot(Proxy):
    """log |det K_H|: how differently the rectified units respond to several inputs.

    K_H counts for each pair of inputs the units that are active for both or for neither. The inputs
    are the pixels of the network's random input in random orders, at most `side` a side. The value
    is minus infinity if two inputs have equal responses, and for a network without rectifiers.
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
