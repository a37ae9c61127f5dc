"""All upsampling cells at once: the options of every decision, each with its weight.

NAS-DIP has no supernet; this one mixes as DARTS does, at each place where a decision acts:
y = sum_t w_t T_t(sum_a w_a a(sum_u w_u U_u(x))), and the activations again, with upsamplings U,
activations a, and transforms T by kernel size and dilation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from nasir.kernels.nearest_conv import nearest
from nasir.search_spaces.nasdip.cell_options import (
    BranchOptions,
    BranchWeights,
    CellOptions,
    Weights,
)
from nasir.search_spaces.nasdip.operations import operation
from nasir.search_spaces.nasdip.rewriting import weighted_sum

Step = Callable[[Tensor], Tensor]


class MixedCell(nn.Module):
    """Doubles the resolution: ``(N, width, H, W) -> (N, width, 2H, 2W)``, by a mixture of cells.

    With `partial` k the operations see the first 1/k of the channels; the others are resized by
    nearest neighbour, and all are shuffled (PC-DARTS).
    """

    def __init__(self, cell: CellOptions, width: int, partial: int = 1) -> None:
        super().__init__()
        self.active, self.partial = width // partial, partial
        activations = [str(name) for name in cell.options["activation"]]
        self.branches: Any = nn.ModuleList(
            Branch(options, activations, self.active) for options in cell.branches
        )

    def forward(self, x: Tensor, weights: Sequence[BranchWeights | None]) -> Tensor:
        return self.mixed(weights)(x)

    def mixed(self, weights: Sequence[BranchWeights | None]) -> Step:
        """The mixture by the weights of each branch, None for a branch of weight zero.

        The kernels of convolutions are merged here, once for all maps.
        """
        pairs = zip(self.branches, weights, strict=True)
        steps = [(w.share, branch.mixed(w)) for branch, w in pairs if w is not None]
        return lambda x: self._with_rest(steps, x)

    def _with_rest(self, steps: Sequence[tuple[Tensor, Step]], x: Tensor) -> Tensor:
        active = x[:, : self.active]
        y = reduce(torch.add, [share * step(active) for share, step in steps])
        if self.partial == 1:
            return y
        y = torch.cat((y, nearest(x[:, self.active :])), dim=1)
        return torch.channel_shuffle(y, self.partial)


class Branch(nn.Module):
    """The cells whose transforms have the same channels, mixed where each decision acts.

    The resized maps are mixed, then activated; so are the transformed ones.
    """

    def __init__(self, options: BranchOptions, activations: Sequence[str], width: int) -> None:
        super().__init__()
        kinds = [operation("upsample", str(name)) for name in options.upsamplings]
        self.place, ratio = kinds[0].place, kinds[0].channels_per_output
        if self.place == "alone":
            made = [kinds[0](width, t.kernel, t.dilation or 1) for t in options.terms]
        else:
            last = self.place == "last"
            inner = (width, width * ratio) if last else (width // ratio, width)
            made = [
                operation("transform", t.transform)(*inner, t.kernel or 1, t.dilation or 1)
                for t in options.terms
            ]
            self.resizes: Any = nn.ModuleList(kind(width, 1, 1) for kind in kinds)
            self.resize_activations: Any = _activations(activations)
        self.transforms: Any = nn.ModuleList(made)
        self.transform_activations: Any = _activations(activations)

    @property
    def sizes(self) -> list[int]:
        """The parameters of the transform of each term."""
        return [sum(p.numel() for p in transform.parameters()) for transform in self.transforms]

    def mixed(self, weights: BranchWeights) -> Step:
        """The mixture by weights, which maps ``(N, width, H, W)`` to ``(N, width, 2H, 2W)``."""
        transforms = _of(self.transforms, weights.terms)
        transformed = [weighted_sum(transforms), self._activated("transform", weights)]
        if self.place == "alone":
            return _chain(transformed)
        resizes = _of(self.resizes, weights.upsamplings)
        resized = [weighted_sum(resizes), self._activated("resize", weights)]
        first = self.place == "first"
        return _chain([*resized, *transformed] if first else [*transformed, *resized])

    def _activated(self, what: str, weights: BranchWeights) -> Step:
        return weighted_sum(_of(getattr(self, f"{what}_activations"), weights.activations))


def _activations(names: Iterable[str]) -> nn.ModuleList:
    return nn.ModuleList(operation("activation", name)() for name in names)


def _of(modules: Sequence[nn.Module], weights: Weights) -> list[tuple[Tensor, nn.Module]]:
    return [(weight, modules[place]) for place, weight in weights]


def _chain(steps: Sequence[Step]) -> Step:
    return lambda x: reduce(lambda y, step: step(y), steps, x)
