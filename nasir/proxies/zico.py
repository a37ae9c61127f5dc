"""ZiCo (Li, Yang, Bhardwaj and Marculescu 2023)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.proxy import Probe, Proxy

if TYPE_CHECKING:
    from torch import Tensor


@attrs.define
class ZiCo(Proxy):
    """sum_l log sum_w E|g| / sqrt(Var|g|), over layers l and their weights w.

    g is the gradient of the task's loss against the degraded picture, at several random inputs:
    the network's own, and its pixels in random orders. Weights whose gradient does not vary are
    left out; if there are no others, the value is not a number.
    """

    larger_is_better = True

    inputs: int = setting(
        2, "inputs that the gradient is taken at, >= 2 (the paper: 2)", must.ge(2)
    )

    def value(self, probe: Probe) -> float:
        import torch

        from nasir.proxies.inputs import shuffled

        generator = torch.Generator().manual_seed(probe.seed)
        x, (height, width) = probe.input, probe.input.shape[-2:]
        others = [shuffled(x, height, width, generator) for _ in range(self.inputs - 1)]
        gradients = [probe.gradients, *map(probe.gradients_at, others)]
        layers = [name for name, g in probe.gradients.items() if g.dim() > 1]
        ratios = [self._ratio([g[name] for g in gradients]) for name in layers]
        terms = [math.log(ratio) for ratio in ratios if ratio > 0]
        return sum(terms) if terms else math.nan

    @staticmethod
    def _ratio(gradients: list[Tensor]) -> float:
        """The sum over a layer's weights of mean by standard deviation of |gradient|."""
        import torch

        sizes = torch.stack(gradients).double().abs()
        deviation = sizes.std(0, correction=0)
        varies = deviation > 0
        return (sizes.mean(0)[varies] / deviation[varies]).sum().item()
