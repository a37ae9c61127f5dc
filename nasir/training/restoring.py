"""What a trained network makes of whole pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from nasir.core.task import Sample, Task
from nasir.training.device import device_of


def restored(
    network: nn.Module, sample: Sample, task: Task, tile: int = 0, ensemble: bool = False
) -> Tensor:
    """The restored picture ``(1, C, sH, sW)``, on the sample's device, clipped nowhere.

    The network is put in evaluation mode. With `tile` it sees adjacent patches of so many pixels
    of the degraded picture one after another (CLEARER-P); the last ones of a row or column are
    moved inwards, so that all are of one size, and add what is not there yet. With `ensemble`
    the result is the mean over the 8 flips and rotations, undone (of each patch, where there are
    patches).
    """
    network.eval()
    apply: Callable[[Tensor], Tensor] = partial(ensembled, network) if ensemble else network
    with torch.no_grad():
        x = sample.degraded.to(device_of(network))
        whole = tiled(apply, x, tile, task.signature.scale) if tile else apply(x)
    return task.restored(whole.to(sample.degraded.device), sample)


def ensembled(apply: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The mean of what becomes of the 8 flips and rotations of `x`, turned back."""
    total: Tensor | None = None
    for turns in range(4):
        for flipped in (False, True):
            seen = torch.rot90(x.flip(-1) if flipped else x, turns, (-2, -1))
            made = torch.rot90(apply(seen.contiguous()), -turns, (-2, -1))
            made = made.flip(-1) if flipped else made
            total = made if total is None else total + made
    assert total is not None
    return total / 8


def tiled(apply: Callable[[Tensor], Tensor], x: Tensor, tile: int, scale: int = 1) -> Tensor:
    """What becomes of `x` ``(N, C, H, W)`` in patches, each `scale` times as large afterwards."""
    height, width = x.shape[-2:]
    rows = []
    for top, kept_top in _places(height, tile):
        row = []
        for left, kept_left in _places(width, tile):
            made = apply(x[..., top : top + tile, left : left + tile].contiguous())
            row.append(made[..., scale * (kept_top - top) :, scale * (kept_left - left) :])
        rows.append(torch.cat(row, dim=-1))
    return torch.cat(rows, dim=-2)


def _places(length: int, tile: int) -> list[tuple[int, int]]:
    """Where each patch of an axis begins, and from where on it is kept."""
    return [(max(0, min(start, length - tile)), start) for start in range(0, length, tile)]
