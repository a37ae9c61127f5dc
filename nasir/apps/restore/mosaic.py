"""Fitting an architecture to a picture tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.restore.tiles import Canvas, Tile, cut
from nasir.apps.restore.window import Window, part
from nasir.core.architecture import Architecture
from nasir.core.errors import EvaluationError
from nasir.core.evaluation import describe, use_threads
from nasir.core.evaluator import Problem
from nasir.core.restored import picture_array
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample
from nasir.core.trial import FULL
from nasir.fitting.method import FittingMethod

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]

Notify = Callable[..., None]

OVERLAPPING = 8
"""Tiles overlap by their longest side over this."""


@attrs.frozen
class Stop:
    """The step of a fit whose picture was taken, and how many steps were done."""

    step: int
    iterations: int


def restored(
    sample: Sample,
    architecture: Architecture,
    problem: Problem,
    side: int,
    threads: int,
    notify: Notify,
) -> tuple[Array, tuple[Stop, ...]]:
    """The restored picture ``(H, W, C)`` in [0, 1], and where the fit of each tile stopped.

    No tile has more than `side` pixels a side in the restored picture (0: one tile); each has a
    fit with a seed of its own.
    """
    scale = magnification(sample, problem)
    height, width = sample.degraded.shape[-2:]
    tiles = cut(height, width, side // scale, side // scale // OVERLAPPING)
    problems = [_on(tile, sample, problem) for tile in tiles]
    problems[0].check()
    use_threads(threads)
    canvas, stops = Canvas(scale * height, scale * width), []
    for number, (tile, own) in enumerate(zip(tiles, problems, strict=True)):
        notify("tile_started", number=number, tiles=len(tiles))
        picture, stop = _fit(architecture, own, derived_seed(problem.seed, "tile", number))
        canvas.add(tile.enlarged(scale), picture)
        stops.append(stop)
    return canvas.picture, tuple(stops)


def magnification(sample: Sample, problem: Problem) -> int:
    """How many times larger the restored picture is than the degraded one."""
    return problem.task.unrestored(sample).shape[-1] // sample.degraded.shape[-1]


def _on(tile: Tile, sample: Sample, problem: Problem) -> Problem:
    window = Window(problem.task, part(sample, tile.rows, tile.columns))
    return attrs.evolve(problem, task=window, split="test", artifacts=True)


def _fit(architecture: Architecture, problem: Problem, seed: int) -> tuple[Array, Stop]:
    method = problem.evaluator(FULL)
    assert isinstance(method, FittingMethod)
    try:
        one = method.fit_picture(architecture, problem, problem.task.samples("test")[0], seed)
    except Exception as error:
        reason = describe(error).partition("\n")[0]
        raise EvaluationError(f"the fit came to nothing: {reason}") from error
    return picture_array(one.restored[-1]), Stop(one.steps[-1], one.fit.ran)
