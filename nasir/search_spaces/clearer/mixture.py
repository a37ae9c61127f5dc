"""Both modules of a column at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nasir.search_spaces.clearer.modules import Branches
from nasir.search_spaces.clearer.network import MODULES


class MixedColumn(nn.ModuleDict):
    """The modules ``parallel`` and ``fusion`` (P and F), mixed or one of them.

    The mixture is w0 P(x) + w1 F(x) (CLEARER, equation 1), or w0 P(x) + w1 F(P(x)) where
    `chained`. A module that is not used, because its weight is zero, is left out, so that F alone
    is F(x) in both. With `partial` k the modules see the first 1/k of each branch's channels; the
    others pass by, and all are shuffled.
    """

    def __init__(self, widths: Sequence[int], chained: bool = False, partial: int = 1) -> None:
        active = [width // partial for width in widths]
        super().__init__({name: module(active) for name, module in MODULES.items()})
        self.chained = chained
        self.partial = partial

    def mixed(self, weights: Tensor, used: Sequence[bool], branches: Branches) -> Branches:
        """The modules that are `used`, with `weights` ``(2,)``."""
        return self._beside_rest(branches, lambda active: self._sum(weights, used, active))

    def one(self, option: str, branches: Branches) -> Branches:
        """The module `option` alone."""
        return self._beside_rest(branches, self[option])

    def _sum(self, weights: Tensor, used: Sequence[bool], branches: Branches) -> Branches:
        if not all(used):
            number = used.index(True)
            module = list(self.values())[number]
            return [weights[number] * y for y in module(branches)]
        p = self["parallel"](branches)
        f = self["fusion"](p if self.chained else branches)
        return [mix(weights, *pair) for pair in zip(p, f, strict=True)]

    def _beside_rest(self, branches: Branches, module: Callable[[Branches], Branches]) -> Branches:
        """`module` on the active channels of each branch."""
        if self.partial == 1:
            return module(branches)
        active = module([x[:, : x.shape[1] // self.partial] for x in branches])
        joined = [
            torch.cat((y, x[:, y.shape[1] :]), dim=1) for x, y in zip(branches, active, strict=True)
        ]
        return [torch.channel_shuffle(y, self.partial) for y in joined]


def mix(weights: Tensor, p: Tensor, f: Tensor) -> Tensor:
    """w0 p + w1 f, with fewer passes over the maps, forward and backward, than term by term."""
    mixed: Tensor = _Mix.apply(weights, p, f)
    return mixed


class _Mix(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, p: Tensor, f: Tensor) -> Tensor:
        ctx.save_for_backward(weights, p, f)
        w0, w1 = weights.unbind()
        return torch.addcmul(p * w0, f, w1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, p, f = ctx.saved_tensors
        w0, w1 = weights.unbind()
        of_weights = None
        if ctx.needs_input_grad[0]:
            of_weights = torch.stack([(gradient * y).sum() for y in (p, f)])
        return of_weights, gradient * w0, gradient * w1
