"""The mixture of both modules of a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from nasir.kernels.weighted_pair import weighted_pair
from nasir.search_spaces.clearer.modules import Branches
from nasir.search_spaces.clearer.network import MODULES


class MixedColumn(nn.ModuleDict):
    """The modules ``parallel`` and ``fusion`` (P and F), mixed or one of them.

    The mixture is w0 P(x) + w1 F(x) (CLEARER, equation 1), or w0 P(x) + w1 F(P(x)) where
    `chained`. A module of weight zero is not computed; if P is not, F is F(x) in both. With
    `partial` k the modules see the first 1/k of each branch's channels; the others pass by, and
    all are shuffled.
    """

    def __init__(self, widths: Sequence[int], chained: bool = False, partial: int = 1) -> None:
        active = [width // partial for width in widths]
        super().__init__({name: module(active) for name, module in MODULES.items()})
        self.chained = chained
        self.partial = partial

    def mixed(self, weights: Tensor, used: Sequence[bool], branches: Branches) -> Branches:
        """The modules that are `used`, with `weights` ``(2,)``."""
        return self._with_rest(branches, lambda active: self._sum(weights, used, active))

    def one(self, option: str, branches: Branches) -> Branches:
        """The module `option` alone."""
        return self._with_rest(branches, self[option])

    def _sum(self, weights: Tensor, used: Sequence[bool], branches: Branches) -> Branches:
        if not all(used):
            number = used.index(True)
            module = list(self.values())[number]
            return [weights[number] * y for y in module(branches)]
        p = self["parallel"](branches)
        f = self["fusion"](p if self.chained else branches)
        return [weighted_pair(weights, *pair) for pair in zip(p, f, strict=True)]

    def _with_rest(self, branches: Branches, module: Callable[[Branches], Branches]) -> Branches:
        """`module` on the first channels of each branch, the others unchanged; then shuffled."""
        if self.partial == 1:
            return module(branches)
        active = module([x[:, : x.shape[1] // self.partial] for x in branches])
        joined = [
            torch.cat((y, x[:, y.shape[1] :]), dim=1) for x, y in zip(branches, active, strict=True)
        ]
        return [torch.channel_shuffle(y, self.partial) for y in joined]
