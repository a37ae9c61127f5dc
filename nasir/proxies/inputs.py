"""Further random inputs, made from a given one."""

from __future__ import annotations

import torch
from torch import Tensor

from nasir.core.proxy import Probe


def shuffled(x: Tensor, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Pixels of `x` ``(1, C, H, W)`` in a random order, ``(1, C, height, width)``.

    The pixels of a deep image prior's input are drawn independently, so this is another such input.
    """
    order = torch.randperm(x[0, 0].numel(), generator=generator)[: height * width]
    return x.flatten(2)[..., order.to(x.device)].unflatten(-1, (height, width))


def minibatch_size(probe: Probe, count: int, side: int) -> tuple[int, int, int, int]:
    """``(count, C, h, w)``, at most `side` pixels a side, or the fewest that the network takes."""
    side = max(side, probe.smallest_side)
    height, width = probe.input.shape[-2:]
    return count, probe.input.shape[1], min(side, height), min(side, width)


def minibatch(probe: Probe, count: int, side: int) -> Tensor:
    """Inputs of :func:`minibatch_size`: the pixels of the probe's input, shuffled for each."""
    generator = torch.Generator().manual_seed(probe.seed)
    _, _, height, width = minibatch_size(probe, count, side)
    return torch.cat([shuffled(probe.input, height, width, generator) for _ in range(count)])
