"""Parallel, fusion and transition module (CLEARER section 3.1, figure 1a).

A module maps a list of branches to a list of branches; branch i is
``(N, widths[i], H / 2^i, W / 2^i)``.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from nasir.kernels.resizing import twice
from nasir.search_spaces.clearer.blocks import ConvNorm, ResidualBlock

Branches = list[Tensor]


class ParallelModule(nn.Module):
    """One residual block on each branch."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(width) for width in widths)

    def forward(self, branches: Branches) -> Branches:
        return [block(x) for block, x in zip(self.blocks, branches, strict=True)]


class FusionModule(nn.Module):
    """Each output is the rectified sum of all branches, resampled to its scale.

    Down: 3x3 convolutions of stride 2 with batch norm, with rectifiers between them; the last one
    changes the channels. Up: 1x1 convolution, batch norm, nearest neighbour. Only the first
    `outputs` branches are computed (all by default).
    """

    def __init__(self, widths: Sequence[int], outputs: int | None = None) -> None:
        super().__init__()
        self.branches = len(widths)
        self.outputs = len(widths) if outputs is None else outputs
        self.up = nn.ModuleDict()
        self.down = nn.ModuleDict()
        for source, width in enumerate(widths):
            for target in range(self.outputs):
                if target < source:
                    self.up[_path(source, target)] = ConvNorm(width, widths[target], 1)
                elif target > source:
                    self.down[_path(source, target)] = _descent(
                        width, widths[target], target - source
                    )

    def forward(self, branches: Branches) -> Branches:
        return [self._fused(branches, target).relu_() for target in range(self.outputs)]

    def _fused(self, branches: Branches, target: int) -> Tensor:
        terms = [self.down[_path(source, target)](branches[source]) for source in range(target)]
        lower = self._raised(branches, target)
        if lower is not None:
            terms.append(lower)
        total, *others = terms
        for term in [*others, branches[target]]:
            total.add_(term)
        return total

    def _raised(self, branches: Branches, target: int) -> Tensor | None:
        """The sum of the lower branches at the scale of `target`, enlarged together."""
        total: Tensor | None = None
        for source in range(self.branches - 1, target, -1):
            here = self.up[_path(source, target)](branches[source])
            total = enlarged(here if total is None else here.add_(total))
        return total


class TransitionModule(nn.Module):
    """Keeps the branches and opens one of half the lowest resolution.

    `widths` are the channels of the input branches, `targets` those of the output branches, one
    more. A kept branch is unchanged, or passes a 3x3 convolution if its width changes.
    """

    def __init__(self, widths: Sequence[int], targets: Sequence[int]) -> None:
        super().__init__()
        kept = zip(widths, targets[:-1], strict=True)
        self.keep = nn.ModuleList(
            nn.Identity() if width == target else _rectified(width, target, 1)
            for width, target in kept
        )
        self.open = _rectified(widths[-1], targets[-1], 2)

    def forward(self, branches: Branches) -> Branches:
        kept = [keep(x) for keep, x in zip(self.keep, branches, strict=True)]
        return [*kept, self.open(branches[-1])]


def enlarged(x: Tensor) -> Tensor:
    """Nearest neighbour: ``(N, C, H, W)`` to ``(N, C, 2 H, 2 W)``."""
    return twice(x, "nearest")


def _path(source: int, target: int) -> str:
    return f"{source}_{target}"


def _rectified(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(ConvNorm(in_channels, out_channels, 3, stride), nn.ReLU(inplace=True))


def _descent(in_channels: int, out_channels: int, steps: int) -> nn.Sequential:
    """`steps` convolutions, each of which halves the size."""
    halves = [_rectified(in_channels, in_channels, 2) for _ in range(steps - 1)]
    return nn.Sequential(*halves, ConvNorm(in_channels, out_channels, 3, 2))
