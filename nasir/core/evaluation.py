"""One evaluation, from proposal to finished trial; what an executor runs."""

from __future__ import annotations

import math
import os
import platform
import time
import traceback
from collections.abc import Mapping
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.cost import COST
from nasir.core.errors import EvaluationError, NasirError
from nasir.core.objectives import check_metrics
from nasir.core.problem import Problem
from nasir.core.strategy import FULL, Trial


@attrs.frozen(eq=False)
class Outcome:
    """A finished trial and the artifacts of its evaluation."""

    trial: Trial
    artifacts: Mapping[str, Any] = attrs.field(factory=dict)


def evaluate_trial(trial: Trial, problem: Problem, threads: int) -> Outcome:
    """Evaluate the proposal of `trial` in this process; any error makes a failed trial."""
    started = time.time()
    clock = time.perf_counter()
    where = f"{platform.node()}:{os.getpid()}"
    try:
        use_threads(threads)
        evaluator = problem.evaluator(trial.proposal.stage)
        evaluation = evaluator.evaluate(trial.proposal, problem, trial.seed)
        metrics = dict(evaluation.metrics)
        found = evaluation.architecture or trial.architecture
        score = evaluation.score
        if problem.objectives and trial.proposal.stage == FULL:
            metrics |= _costs_asked_for(problem, found, metrics)
            check_metrics(problem.objectives, metrics)
            score = problem.objectives[0].value(metrics)
        if not math.isfinite(score):
            raise EvaluationError(f"the score is {score}")
    except (Exception, SystemExit) as error:
        ended = attrs.evolve(trial, state="failed", error=describe(error))
        artifacts: Mapping[str, Any] = {}
    else:
        artifacts = evaluation.artifacts
        ended = attrs.evolve(
            trial,
            proposal=attrs.evolve(trial.proposal, architecture=found),
            state="complete",
            score=float(score) + 0.0,  # -0.0 would come back from SQLite as 0.0
            metrics={name: float(value) for name, value in metrics.items()},
        )
    seconds = time.perf_counter() - clock
    return Outcome(attrs.evolve(ended, started=started, seconds=seconds, worker=where), artifacts)


def _costs_asked_for(
    problem: Problem, architecture: Architecture, known: Mapping[str, float]
) -> dict[str, float]:
    """What objectives want to know of the network's cost and the evaluation did not tell."""
    wanted = {objective.metric for objective in problem.objectives} & set(COST) - set(known)
    return problem.cost(architecture, wanted) if wanted else {}


def failed(trial: Trial, error: BaseException) -> Outcome:
    """The outcome of an evaluation that died outside itself, with its worker say."""
    return Outcome(attrs.evolve(trial, state="failed", score=None, error=describe(error)))


def describe(error: BaseException) -> str:
    """The reason in one line, then the traceback where the error is not a plain refusal."""
    if isinstance(error, NasirError):
        return _one_line(str(error))
    name = type(error).__name__
    if isinstance(error, MemoryError) or name == "OutOfMemoryError":
        reason = "out of memory: take smaller pictures, a smaller space, or fewer workers"
    else:
        reason = _one_line(f"{name}: {error}")
    return f"{reason}\n{''.join(traceback.format_exception(error))}"


def _one_line(text: str) -> str:
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


def use_threads(threads: int) -> None:
    """Give numerical libraries `threads` threads, for speed and for equal bits in every trial."""
    import torch

    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
