"""Hiding known pixels, to measure by them what fills in the missing ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

SHARE = 0.1
"""Most of the known pixels that are hidden."""

BLOCK = 32
"""Side of the blocks that hidden pixels are taken by where there would be more."""

DRAWS, APART = 64, 3
"""How many places are tried for the copy of a hole, and the pixels that are to lie between both."""

Array = np.ndarray[Any, np.dtype[Any]]


def concealed(mask: Tensor, seed: int) -> Tensor:
    """`mask` ``(1, 1, H, W)`` with more holes of the shape of its own, where pixels are known.

    The hole is copied to where most of it is on known pixels, away from itself, among places that
    are drawn; what the border cuts comes in again on the other side. About the share
    :data:`SHARE` of the known pixels is hidden at most, by blocks. The mask itself is returned
    where nothing can be hidden.
    """
    from scipy.ndimage import distance_transform_edt

    values = mask[0, 0].cpu().numpy()
    hole, known = values < 1, values >= 1
    if not hole.any() or not known.any():
        return mask
    apart = distance_transform_edt(~hole) >= APART
    generator = np.random.default_rng(seed)
    shifts = generator.integers(1, [max(2, side) for side in hole.shape], (DRAWS, 2))
    copies = [np.roll(hole, shift, (0, 1)) & known for shift in shifts]
    hidden = max(copies, key=lambda copy: (int((copy & apart).sum()), int(copy.sum())))
    hidden = _some(hidden, SHARE * known.sum(), generator)
    there = torch.from_numpy(~hidden)[None, None].to(mask.device)
    return torch.where(there, mask, torch.zeros_like(mask))


def _some(hidden: Array, most: float, generator: np.random.Generator) -> Array:
    """At most so many of the hidden pixels, in whole blocks, at least one of which has any."""
    if hidden.sum() <= most:
        return hidden
    height, width = hidden.shape
    corners = [(y, x) for y in range(0, height, BLOCK) for x in range(0, width, BLOCK)]
    chosen, count = np.zeros_like(hidden), 0
    for number in generator.permutation(len(corners)):
        y, x = corners[number]
        block = slice(y, y + BLOCK), slice(x, x + BLOCK)
        more = int(hidden[block].sum())
        if count and count + more > most:
            continue
        chosen[block], count = hidden[block], count + more
    return chosen
