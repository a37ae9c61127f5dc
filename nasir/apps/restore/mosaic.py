"""Fitting an architecture to a picture tile by tile."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.restore.tiles import Canvas, Tile, cut
from nasir.apps.restore.window import Window, part
from nasir.core.architecture import Architecture
from nasir.core.errors import EvaluationError, SettingsError
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample
from nasir.core.trial import FULL
from nasir.engine.borrowed import use_threads
from nasir.engine.evaluation import describe
from nasir.fitting.fit import FitLimits, FittedPicture
from nasir.fitting.interruption import Interruption, deferred
from nasir.fitting.method import FittingMethod
from nasir.training.restored import picture_array

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    Array = np.ndarray[Any, np.dtype[np.float32]]

Notify = Callable[..., None]

CUT_SHORT = "cut-short"
"""File among the states of fits of which some did not have all their steps."""

OVERLAPPING = 8
"""Tiles overlap by their longest side over this."""


@attrs.frozen
class Stop:
    """The step of a fit whose picture was taken, and how many steps of at most `limit` were done.

    `end` is what ended it: a "rule", the "steps" that a fixed fit has, or the "limit" of steps,
    "time" or "interruption" before a rule could.
    """

    step: int
    iterations: int
    limit: int = 0
    end: str = "steps"

    @property
    def finished(self) -> bool:
        """Whether more steps are expected to give nothing better."""
        return self.end in ("rule", "steps")


@attrs.frozen
class FitTerms:
    """How long the fits to a picture may take, and the folder `states` of what they go on from.

    `deadline` is a time of the monotonic clock; tiles share what is left. States are kept where
    any fit is unfinished. With `continues` the fits go on from them.
    """

    deadline: float = math.inf
    states: Path | None = None
    continues: bool = False

    @property
    def extends(self) -> bool:
        """Whether the fits had all their steps, so that going on means more of them."""
        return self.continues and not (self._folder / CUT_SHORT).exists()

    def begin(self) -> None:
        """Remove what earlier fits have left, if these do not continue them."""
        if self.states is not None and not self.continues:
            shutil.rmtree(self.states, ignore_errors=True)

    def expect_more(self) -> None:
        """Note that a fit is over and others are not: what ends now was cut short."""
        if self.states is not None and self.states.is_dir():
            (self._folder / CUT_SHORT).touch()

    def leave(self, stops: Sequence[Stop]) -> None:
        """Remove the states of fits that are finished, or note how they ended."""
        if self.states is None or not self.states.is_dir():
            return
        if all(stop.finished for stop in stops):
            shutil.rmtree(self.states, ignore_errors=True)
        elif any(stop.end in ("time", "interruption") for stop in stops):
            (self._folder / CUT_SHORT).touch()
        else:
            (self._folder / CUT_SHORT).unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        assert self.states is not None, "no states are kept"
        return self.states


def restored(
    sample: Sample,
    architecture: Architecture,
    problem: Problem,
    side: int,
    threads: int,
    notify: Notify,
    terms: FitTerms = FitTerms(),
) -> tuple[Array, tuple[Stop, ...]]:
    """The restored picture ``(H, W, C)`` in [0, 1], and where the fit of each tile stopped.

    No tile has more than `side` pixels a side in the restored picture (0: one tile). All fits
    start with the same network and input, so that tiles differ in what they show alone; parts that
    need no fit have none. After Ctrl-C the fit in progress gives what it has and the other tiles
    are unrestored.
    """
    use_threads(threads)
    terms.begin()
    problem = attrs.evolve(problem, checkpoints=terms.states)
    with deferred() as interruption:
        fits = _Fits(architecture, problem, terms, interruption, terms.extends)
        coarse = problem.task.coarse(sample)
        if coarse is not None:
            picture = _refined(coarse, sample, fits, notify)
        else:
            picture = _tiled(sample, side, fits, notify)
    terms.leave(fits.stops)
    return picture, tuple(fits.stops)


@attrs.define
class _Fits:
    """The fits to the parts of one picture, one after the other."""

    architecture: Architecture
    problem: Problem
    terms: FitTerms
    interruption: Interruption
    extends: bool
    stops: list[Stop] = attrs.field(factory=list)

    def fit(self, problem: Problem, left: int) -> FittedPicture:
        """Fit to the picture of `problem`; `left` are the parts that are to come, with this one."""
        method = problem.evaluator(FULL)
        assert isinstance(method, FittingMethod)
        sample, seed = problem.task.samples("test")[0], derived_seed(problem.seed, "tile", 0)
        now, resumable = time.monotonic(), self.terms.states is not None
        deadline = now + (self.terms.deadline - now) / left
        first_continued = self.terms.continues and not self.stops
        limits = FitLimits(
            *(deadline, self.interruption, resumable, self.terms.continues, self.extends)
        )
        try:
            if first_continued:
                check_continues(method, self.architecture, problem, sample, seed)
            one = method.fit_picture(self.architecture, problem, sample, seed, limits=limits)
        except SettingsError:
            raise
        except Exception as error:
            reason = describe(error).partition("\n")[0]
            raise EvaluationError(f"the fit came to nothing: {reason}") from error
        self.stops.append(Stop(one.steps[-1], one.fit.ran, one.fit.full, self._end(one, deadline)))
        self.terms.expect_more()
        return one

    def _end(self, one: FittedPicture, deadline: float) -> str:
        if one.fit.ended:
            return "rule"
        if self.interruption.happened:
            return "interruption"
        if one.fit.ran < one.fit.full:
            return "time"
        return "limit" if one.fit.stopped else "steps"


def check_continues(
    method: FittingMethod, architecture: Architecture, problem: Problem, sample: Sample, seed: int
) -> None:
    """Refuse to continue a fit that has left no state."""
    if not method.has_state(architecture, problem, sample, seed):
        raise SettingsError(
            f"there is no fit with these settings to continue in {problem.checkpoints}: repeat the "
            "words of the command that was cut short, or leave resume=True out"
        )


def _refined(coarse: Sample, sample: Sample, fits: _Fits, notify: Notify) -> Array:
    """The picture from one fit to its coarse copy."""
    height, width = coarse.degraded.shape[-2:]
    (whole,) = cut(height, width, 0, 0)
    problem = _on(whole, coarse, fits.problem)
    problem.check()
    notify("tile_started", number=0, tiles=1)
    output = list(fits.fit(problem, 1).fit.outputs.values())[-1].detach().cpu()
    return _array(fits.problem.task.refined(output, coarse, sample))


def _tiled(sample: Sample, side: int, fits: _Fits, notify: Notify) -> Array:
    """The picture from fits to the tiles of what needs one."""
    task, scale = fits.problem.task, magnification(sample, fits.problem)
    unrestored = _array(task.unrestored(sample))
    region = task.region(sample)
    if region is None:
        return unrestored
    rows, columns = region
    inner = attrs.evolve(part(sample, rows, columns), name=sample.name)
    height, width = inner.degraded.shape[-2:]
    tiles = cut(height, width, side // scale, side // scale // OVERLAPPING)
    problems = [_on(tile, inner, fits.problem) for tile in tiles]
    problems[0].check()
    canvas, needed = Canvas(scale * height, scale * width), [_needs_fit(one) for one in problems]
    within = _scaled(rows, scale), _scaled(columns, scale)
    for number, (tile, own) in enumerate(zip(tiles, problems, strict=True)):
        large = tile.enlarged(scale)
        if not needed[number] or fits.interruption.happened:
            canvas.add(large, unrestored[within][large.rows, large.columns])
            continue
        notify("tile_started", number=sum(needed[:number]), tiles=sum(needed))
        one = fits.fit(own, sum(needed[number:]))
        canvas.add(large, picture_array(one.restored[-1]))
    unrestored[within] = canvas.picture
    return unrestored


def _scaled(span: slice, factor: int) -> slice:
    return slice(factor * span.start, factor * span.stop)


def _array(picture: Tensor) -> Array:
    """A picture ``(1, C, H, W)`` as one ``(H, W, C)`` of its own, within [0, 1]."""
    import numpy as np

    return np.ascontiguousarray(picture_array(picture).clip(0, 1))


def magnification(sample: Sample, problem: Problem) -> int:
    """How many times larger the restored picture is than the degraded one."""
    return problem.task.unrestored(sample).shape[-1] // sample.degraded.shape[-1]


def _needs_fit(problem: Problem) -> bool:
    (sample,) = problem.task.samples("test")
    return problem.task.region(sample) is not None


def _on(tile: Tile, sample: Sample, problem: Problem) -> Problem:
    window = Window(problem.task, part(sample, tile.rows, tile.columns))
    return attrs.evolve(problem, task=window, split="test", artifacts=True)
