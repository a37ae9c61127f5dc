"""Restoring whole pictures with a trained network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from nasir.core.task import Sample, Task
from nasir.training.device import device_of


def restore(
    network: nn.Module, sample: Sample, task: Task, tile: int = 0, ensemble: bool = False
) -> Tensor:
    """The restored picture ``(1, C, sH, sW)``, not clipped, on the sample's device.

    Sets the network to evaluation mode. With `tile` > 0 the degraded picture is restored in
    adjacent patches of `tile` pixels a side (CLEARER-P, :func:`tile_by_tile`). With `ensemble` the
    result, of each patch if there are patches, is the mean over the 8 flips and rotations.
    """
    network.eval()
    apply: Callable[[Tensor], Tensor] = partial(self_ensemble, network) if ensemble else network
    with torch.no_grad():
        x = sample.degraded.to(device_of(network))
        whole = tile_by_tile(apply, x, tile, task.signature.scale) if tile else apply(x)
    return task.restored(whole.to(sample.degraded.device), sample)


def self_ensemble(apply: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The mean of `apply` over the 8 flips and rotations of `x`, each undone afterwards."""
    total: Tensor | None = None
    for turns in range(4):
        for flipped in (False, True):
            seen = torch.rot90(x.flip(-1) if flipped else x, turns, (-2, -1))
            made = torch.rot90(apply(seen.contiguous()), -turns, (-2, -1))
            made = made.flip(-1) if flipped else made
            total = made if total is None else total + made
    assert total is not None
    return total / 8


def tile_by_tile(apply: Callable[[Tensor], Tensor], x: Tensor, tile: int, scale: int = 1) -> Tensor:
    """`apply` on patches of `x` ``(N, C, H, W)``, put together to ``(N, C', sH, sW)``.

    The last patch of a row or column is moved inwards, so that all have one size; only its new
    part is used. `apply` enlarges by `scale`.
    """
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
    """The start of each patch along an axis, and the start of its part that is used."""
    return [(max(0, min(start, length - tile)), start) for start in range(0, length, tile)]
