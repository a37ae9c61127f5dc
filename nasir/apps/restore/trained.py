"""A picture restored part by part, by a trained network or a classical method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nasir.apps.restore.mosaic import magnification
from nasir.apps.restore.tiles import Canvas, cut_on_grid
from nasir.apps.restore.window import part
from nasir.core.evaluator import Problem
from nasir.core.method import Method
from nasir.core.progress import report
from nasir.core.task import Sample, Task
from nasir.training.evaluator import TrainingEvaluator
from nasir.training.picture_size import check_size

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    Array = np.ndarray[Any, np.dtype[np.float32]]

RestorePart = Callable[[Sample], "Tensor"]
"""Restores a part of a picture: ``(1, C, sH, sW)``."""

OVERLAP = 64
"""Pixels of the degraded picture by which parts overlap, and are blended."""

STEP = 32
"""Parts begin at multiples of so many pixels: the coarsest pixel of common networks."""


def restored_by(
    restore_part: RestorePart,
    sample: Sample,
    problem: Problem,
    side: int,
    notify: Callable[..., None],
) -> Array:
    """The restored picture ``(H, W, C)`` in [0, 1].

    No part has more than `side` pixels a side in the restored picture (0: one part), or a little
    more where that is less than parts overlap by. They are blended where they overlap.
    """
    height, width = sample.degraded.shape[-2:]
    scale = magnification(sample, problem)
    check_size(sample, problem)
    side, overlap = _on_grid(side // scale)
    tiles = cut_on_grid(height, width, side, overlap, STEP)
    canvas = Canvas(scale * height, scale * width)
    for number, tile in enumerate(tiles):
        notify("tile_started", number=number, tiles=len(tiles))
        restored = restore_part(part(sample, tile.rows, tile.columns))
        canvas.add(tile.enlarged(scale), restored[0].permute(1, 2, 0).cpu().numpy())
        report(1, 1)
    return canvas.picture


def by_training(network: nn.Module, evaluator: TrainingEvaluator, task: Task) -> RestorePart:
    """What the evaluator of a training makes of a part, with its trained network."""
    return lambda sample: evaluator.restore(network, sample, task)


def by_network(network: Callable[[Tensor], Tensor], channels: int, task: Task) -> RestorePart:
    """What a network for pictures of so many `channels` makes of a part.

    A network for colour restores grey pictures, as three equal channels whose mean is taken.
    """
    import torch

    def restore_part(sample: Sample) -> Tensor:
        grey = sample.degraded.shape[1] == 1 < channels
        x = sample.degraded.expand(-1, channels, -1, -1) if grey else sample.degraded
        with torch.inference_mode():
            y = network(x.contiguous())
            return task.restored(y.mean(1, keepdim=True) if grey else y, sample)

    return restore_part


def by_method(method: Method, task: Task) -> RestorePart:
    """What a classical method makes of a part."""
    return lambda sample: method.restore(sample, task)


def _on_grid(side: int) -> tuple[int, int]:
    """Side and overlap of parts, multiples of :data:`STEP`; the side 0 stays."""
    if not side:
        return 0, 0
    side = max(2 * STEP, side // STEP * STEP)
    return side, min(OVERLAP, side // 2 // STEP * STEP)
