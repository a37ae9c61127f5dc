"""CLEARER's supernet written down as the paper draws it, for comparison.

It has a copy of a given supernet's weights, and calls every module, branch, convolution and batch
norm by itself, in torch's usual order of channels.
"""

from __future__ import annotations

from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.search_spaces.clearer.blocks import Bottleneck, ResidualBlock
from nasir.search_spaces.clearer.modules import FusionModule, ParallelModule
from nasir.search_spaces.clearer.supernet import ClearerSupernet


class PlainClearer(nn.Module):
    """The mixture of a supernet, for pictures whose sides are multiples of the coarsest pixel."""

    def __init__(self, supernet: ClearerSupernet) -> None:
        super().__init__()
        self.supernet = deepcopy(supernet).to(memory_format=torch.contiguous_format)

    def forward(self, x: Tensor) -> Tensor:
        net = self.supernet
        rows = iter(net.alphas.softmax(dim=-1))
        for block in net.backbone.start:
            x = bottleneck(block, x)
        branches = [x]
        for transition, cell in zip(net.backbone.transitions, net.cells, strict=True):
            branches = transition(branches)
            for column in cell:
                weights = next(rows)
                p = parallel(column["parallel"], branches)
                f = fusion(column["fusion"], p if column.chained else branches)
                branches = [weights[0] * a + weights[1] * b for a, b in zip(p, f, strict=True)]
        return net.backbone.to_picture(fusion(net.backbone.end, branches)[0])


def bottleneck(block: Bottleneck, x: Tensor) -> Tensor:
    y = block.expand(F.relu(block.middle(F.relu(block.reduce(x)))))
    return F.relu(block.shortcut(x) + y)


def residual(block: ResidualBlock, x: Tensor) -> Tensor:
    return F.relu(x + block.second(F.relu(block.first(x))))


def parallel(module: ParallelModule, branches: list[Tensor]) -> list[Tensor]:
    return [residual(block, x) for block, x in zip(module.blocks, branches, strict=True)]


def fusion(module: FusionModule, branches: list[Tensor]) -> list[Tensor]:
    outputs = []
    for target in range(module.outputs):
        total = branches[target]
        for source, x in enumerate(branches):
            if source < target:
                total = total + module.down[f"{source}_{target}"](x)
            elif source > target:
                y = module.up[f"{source}_{target}"](x)
                total = total + F.interpolate(y, scale_factor=2 ** (source - target))
        outputs.append(F.relu(total))
    return outputs
