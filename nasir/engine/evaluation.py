"""One evaluation, from proposal to finished trial; what an executor runs."""

from __future__ import annotations

import math
import os
import platform
import sys
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import redirect_stdout
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.cost import COST
from nasir.core.errors import EvaluationError, NasirError, bounded
from nasir.core.evaluator import Evaluation, Evaluator, Problem, RestoredPicture
from nasir.core.failures import Failure, failure_of
from nasir.core.objectives import check_metrics
from nasir.core.trial import FULL, Curve, Trial
from nasir.engine.borrowed import same_folder, use_threads
from nasir.engine.returned import checked_evaluation


@attrs.frozen(eq=False)
class Outcome:
    """A finished trial, what its evaluation made, and the kind of failure if it failed."""

    trial: Trial
    restored: Mapping[str, RestoredPicture] = attrs.field(factory=dict)
    weights: Mapping[str, Any] = attrs.field(factory=dict)
    failure: Failure | None = None
    costs: Mapping[str, Mapping[str, float]] = attrs.field(factory=dict)


def evaluate_trial(trial: Trial, problem: Problem, threads: int, smaller: int = 0) -> Outcome:
    """Evaluate the proposal of `trial` in this process; any error makes a failed trial.

    The evaluator is made smaller `smaller` times, or as often as possible (see
    :meth:`Evaluator.smaller`); the metric ``smaller`` is how often it was.
    """
    started = time.time()
    clock = time.perf_counter()
    where = f"{platform.node()}:{os.getpid()}"
    failure: Failure | None = None
    try:
        use_threads(threads)
        evaluator, times = _smaller(problem.evaluator(trial.proposal.stage), smaller)
        with same_folder(), redirect_stdout(sys.stderr):  # stdout is the command's
            returned = evaluator.evaluate(trial.proposal, problem, trial.seed)
        evaluation = checked_evaluation(returned, evaluator, problem)
        metrics = dict(evaluation.metrics) | ({"smaller": times} if times else {})
        found = evaluation.architecture or trial.architecture
        score = evaluation.score
        if problem.objectives and trial.proposal.stage == FULL:
            metrics |= _costs(problem, found, metrics)
            check_metrics(problem.objectives, metrics)
            for objective in problem.objectives:
                _check_finite(str(objective), objective.value(metrics))
            score = problem.objectives[0].value(metrics)
        _check_finite("the score", score)
        ended = attrs.evolve(
            trial,
            proposal=attrs.evolve(trial.proposal, architecture=found),
            state="complete",
            score=float(score) + 0.0,  # -0.0 would come back from SQLite as 0.0
            metrics=_numbers(metrics),
            by_picture=_by_picture(evaluation),
            curve={name: _curve(curve) for name, curve in evaluation.curve.items()},
            stop=evaluation.stop,
        )
    except (Exception, SystemExit) as error:
        failure = failure_of(error)
        ended = attrs.evolve(trial, state="failed", error=describe(error))
        evaluation = Evaluation(0.0)
    seconds = time.perf_counter() - clock
    ended = attrs.evolve(ended, started=started, seconds=seconds, worker=where)
    made = evaluation
    return Outcome(ended, made.restored, made.weights, failure, made.costs)


def _check_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise EvaluationError(f"{name} is {value}")


def _by_picture(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    """The metrics of each picture; empty for one without a ground truth."""
    names = dict.fromkeys([*evaluation.restored, *evaluation.by_picture])
    return {name: _numbers(evaluation.by_picture.get(name, {})) for name in names}


def _numbers(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in figures.items()}


def _curve(curve: Curve) -> Curve:
    return tuple((float(share), float(psnr)) for share, psnr in curve)


def _smaller(evaluator: Evaluator, times: int) -> tuple[Evaluator, int]:
    """An evaluator that takes less memory, and how many times it was made smaller."""
    for done in range(times):
        less = evaluator.smaller()
        if less is None:
            return evaluator, done
        evaluator = less
    return evaluator, times


def _costs(
    problem: Problem, architecture: Architecture, known: Mapping[str, float]
) -> dict[str, float]:
    """The costs that are objectives and not among the `known` metrics."""
    wanted = {objective.metric for objective in problem.objectives} & set(COST) - set(known)
    return problem.cost(architecture, wanted) if wanted else {}


def failed(trial: Trial, error: BaseException) -> Outcome:
    """The outcome of an evaluation that `error` ended from outside, such as a dead worker."""
    ended = attrs.evolve(trial, state="failed", score=None, error=describe(error))
    return Outcome(ended, failure=failure_of(error))


def outcome_of(future: Future[Outcome], trial: Trial) -> Outcome:
    """The outcome of a finished future; a dead worker makes a failed trial."""
    error: Any = future.exception()
    return future.result() if error is None else failed(trial, error)


def with_pictures(outcome: Outcome) -> Trial:
    """The trial with its restored pictures; it fails if one of them is no picture."""
    pictures = {name: one.restored for name, one in sorted(outcome.restored.items())}
    for name, picture in pictures.items():
        if getattr(picture, "ndim", 0) != 3 or picture.dtype.kind != "f":
            what = EvaluationError(f"the restored picture {name!r} is no array (H, W, C) of floats")
            return failed(outcome.trial, what).trial
    return attrs.evolve(outcome.trial, pictures=pictures)


def describe(error: BaseException) -> str:
    """The reason in one line; then the traceback, except for a :class:`NasirError`."""
    if isinstance(error, NasirError):
        return _one_line(str(error))
    name = type(error).__name__
    if failure_of(error) == "memory":
        reason = "out of memory: take smaller pictures, a smaller space, or fewer workers"
    else:
        reason = _one_line(f"{name}: {error}")
    return f"{reason}\n{''.join(traceback.format_exception(error))}"


def _one_line(text: str) -> str:
    return bounded(" ".join(text.encode("utf-8", "backslashreplace").decode().split()))
