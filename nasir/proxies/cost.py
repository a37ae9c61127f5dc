"""The size of a network as a proxy: the baseline for all others."""

from __future__ import annotations

import attrs

from nasir.core.cost import SIDE, number_of_parameters
from nasir.core.proxy import Probe, Proxy


@attrs.define
class Parameters(Proxy):
    """The number of parameters."""

    larger_is_better = True

    def value(self, probe: Probe) -> float:
        return float(number_of_parameters(probe.network))


@attrs.define
class MultiplyAdds(Proxy):
    """Multiply-adds of one pass over an input of 64 x 64 pixels, for every picture."""

    larger_is_better = True

    def value(self, probe: Probe) -> float:
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        x = probe.input.new_empty(1, probe.input.shape[1], SIDE, SIDE, device="meta")
        counter = FlopCounterMode(display=False)
        with probe.copied() as network:
            shapes = network.to("meta").eval()
            with torch.no_grad(), counter:
                shapes(x)
        return float(counter.get_total_flops() // 2)
