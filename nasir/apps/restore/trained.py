"""A picture restored by a trained network, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nasir.apps.restore.mosaic import OVERLAPPING, magnification
from nasir.apps.restore.tiles import Canvas, cut
from nasir.apps.restore.window import part
from nasir.core.evaluator import Problem
from nasir.core.picture_size import check_size
from nasir.core.progress import report
from nasir.core.task import Sample
from nasir.core.trial import FULL
from nasir.training.evaluator import TrainingEvaluator

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    Array = np.ndarray[Any, np.dtype[np.float32]]


def restored_by(
    network: nn.Module, sample: Sample, problem: Problem, side: int, notify: Callable[..., None]
) -> Array:
    """The restored picture ``(H, W, C)`` in [0, 1].

    No tile has more than `side` pixels a side in the restored picture (0: one tile); tiles
    overlap, and what the network makes of them is blended there.
    """
    evaluator = problem.evaluator(FULL)
    assert isinstance(evaluator, TrainingEvaluator)
    scale = magnification(sample, problem)
    height, width = sample.degraded.shape[-2:]
    tiles = cut(height, width, side // scale, side // scale // OVERLAPPING)
    parts = [part(sample, tile.rows, tile.columns) for tile in tiles]
    check_size(parts[0], problem)
    canvas = Canvas(scale * height, scale * width)
    for number, (tile, seen) in enumerate(zip(tiles, parts, strict=True)):
        notify("tile_started", number=number, tiles=len(tiles))
        picture = evaluator.restore(network, seen, problem.task)
        canvas.add(tile.enlarged(scale), picture[0].permute(1, 2, 0).cpu().numpy())
        report(1, 1)
    return canvas.picture
