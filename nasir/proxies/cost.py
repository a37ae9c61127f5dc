"""The size of a network as a proxy: the baseline for all others."""

from __future__ import annotations

import attrs

from nasir.core.cost import SIDE, multiply_adds, number_of_parameters
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
        x = probe.input.new_empty(1, probe.input.shape[1], SIDE, SIDE, device="meta")
        with probe.copied() as network:
            return float(multiply_adds(network.to("meta"), x))
