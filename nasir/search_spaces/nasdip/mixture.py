"""All upsampling cells at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.kernels.nearest_conv import nearest
from nasir.search_spaces.nasdip.cell_options import (
    BranchOptions,
    BranchWeights,
    CellOptions,
    Weights,
)
from nasir.search_spaces.nasdip.operations import Transform, operation
from nasir.search_spaces.reflection import reflect

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
        """The mixture by the weights of each branch, None for one that is not used.

        What it does before it sees a map is done once for all maps.
        """
        pairs = zip(self.branches, weights, strict=True)
        steps = [(w.share, branch.mixed(w)) for branch, w in pairs if w is not None]
        return lambda x: self._beside_rest(steps, x)

    def _beside_rest(self, steps: Sequence[tuple[Tensor, Step]], x: Tensor) -> Tensor:
        active = x[:, : self.active]
        y = _sum([share * step(active) for share, step in steps])
        if self.partial == 1:
            return y
        y = torch.cat((y, nearest(x[:, self.active :])), dim=1)
        return torch.channel_shuffle(y, self.partial)


class Branch(nn.Module):
    """The cells that have the same shapes inside, mixed where each decision acts.

    What the resizes give is mixed, then activated; so is what the transforms give.
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
        transformed = [mixture(transforms), self._activated("transform", weights)]
        if self.place == "alone":
            return _chain(transformed)
        resizes = _of(self.resizes, weights.upsamplings)
        resized = [mixture(resizes), self._activated("resize", weights)]
        first = self.place == "first"
        return _chain([*resized, *transformed] if first else [*transformed, *resized])

    def _activated(self, what: str, weights: BranchWeights) -> Step:
        return mixture(_of(getattr(self, f"{what}_activations"), weights.activations))


def _activations(names: Iterable[str]) -> nn.ModuleList:
    return nn.ModuleList(operation("activation", name)() for name in names)


def _of(modules: Sequence[nn.Module], weights: Weights) -> list[tuple[Tensor, nn.Module]]:
    return [(weight, modules[place]) for place, weight in weights]


def _chain(steps: Sequence[Step]) -> Step:
    return lambda x: reduce(lambda y, step: step(y), steps, x)


def mixture(operations: Sequence[tuple[Tensor, nn.Module]]) -> Step:
    """The sum of w M(x) over all w and M, as a function of x.

    Transforms that are convolutions are one for each dilation, with the weighted sum of their
    kernels: a convolution is linear in its kernel.
    """
    if len(operations) == 1:
        [(weight, module)] = operations
        return lambda x: weight * module(x)
    others: list[tuple[Tensor, nn.Module]] = []
    kernels: dict[int, list[Tensor]] = {}
    for weight, module in operations:
        convolution = module.as_convolution() if isinstance(module, Transform) else None
        if convolution is None:
            others.append((weight, module))
        else:
            kernel, dilation = convolution
            kernels.setdefault(dilation, []).append(weight * kernel)
    merged = {dilation: _centred_sum(of) for dilation, of in kernels.items()}

    def mixed(x: Tensor) -> Tensor:
        alone = [weight * module(x) for weight, module in others]
        return _sum([*alone, *(_convolved(x, k, dilation) for dilation, k in merged.items())])

    return mixed


def _sum(parts: Sequence[Tensor]) -> Tensor:
    return reduce(torch.add, parts)


def _centred_sum(kernels: Sequence[Tensor]) -> Tensor:
    """The sum of kernels ``(O, C, k, k)`` of odd k, the middle of all at the same place."""
    by_size: dict[int, list[Tensor]] = {}
    for kernel in kernels:
        by_size.setdefault(kernel.shape[-1], []).append(kernel)
    largest = max(by_size)
    borders = {size: (largest - size) // 2 for size in by_size}
    return _sum([F.pad(_sum(of), (borders[size],) * 4) for size, of in by_size.items()])


def _convolved(x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
    border = dilation * (kernel.shape[-1] - 1) // 2
    x = reflect(x, border, border, border, border) if border else x
    return F.conv2d(x, kernel, dilation=dilation)
