"""What a search would do, and about how long it would take."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from nasir.apps.formatting import duration
from nasir.core.errors import NasirError
from nasir.core.failures import TimeLimitError
from nasir.core.trial import FULL, Proposal
from nasir.engine.borrowed import borrowed
from nasir.executors.inline import Inline
from nasir.fitting.method import FittingMethod
from nasir.settings.experiment import Experiment

SHARES = (0.01, 0.04)
"""Shares of an evaluation that are measured; what both need alike is no part of a longer one."""

PATIENCE = 30.0
"""Seconds that each of them may take."""


def described(planned: Experiment) -> Iterator[tuple[str, str]]:
    """A planned search in words: a name and a value in each row."""
    settings, problem = planned.settings, planned.problem
    for kind in ("strategy", "space", "task", "evaluator", "executor"):
        yield kind, planned.names[kind]
    at_once = f"{settings.workers} at a time, {settings.threads} threads each"
    yield "trials", f"{planned.trials}, {at_once}"
    yield "architectures", f"{problem.space.domain.size:,}".replace(",", " ")
    yield "compared with", ", ".join(settings.references or ()) or "none"
    if settings.seconds is not None:
        yield "at most", duration(settings.seconds)
    yield "about", _expected(planned)


def _expected(planned: Experiment) -> str:
    """The time of a full evaluation here, and of the trials where all are such evaluations."""
    staged = len(planned.problem.evaluators) > 1
    before, more = _before_full(planned) if staged else ("", "")
    try:
        seconds = seconds_of_one(planned)
    except TimeLimitError:
        least = duration(PATIENCE / SHARES[0])
        took = f"a hundredth of one took {PATIENCE:g} s"
        return f"{before}more than {least} for a full evaluation: {took}"
    except NasirError as error:
        return f"unknown: {error}"
    workers = planned.settings.workers
    finals = 1 + len(planned.settings.references or ())
    final = math.ceil(finals / workers) * seconds * _test_share(planned)
    last = f"{duration(final)} for {finals} final evaluation{'s' * (finals > 1)}"
    words = f"{duration(seconds)} for a full evaluation, guessed from a part of one"
    if staged:
        return f"{before}{last}; {words}{more}"
    rounds = math.ceil(planned.trials / workers)
    return f"{duration(rounds * seconds)} for the trials, if all are full, and {last}; {words}"


def _before_full(planned: Experiment) -> tuple[str, str]:
    """The time of the stages before full evaluations, or else what to say of them at the end."""
    strategy, problem, unknown = planned.strategy, planned.problem, "; other stages come to it"
    executor = Inline().within(PATIENCE, None).start(1)
    try:
        with borrowed("search"):
            problem.check()
            seconds = executor.submit(strategy.seconds_before_full, problem).result()
    except (NasirError, TimeLimitError):
        return "", unknown
    if seconds is None:
        return "", unknown
    share = min(1.0, planned.trials / strategy.usual_trials)
    return f"{duration(seconds * share)} for the search, guessed from two steps, and ", ""


def _test_share(planned: Experiment) -> float:
    """The effort of a final evaluation beside that of a trial: for a fit, by pixels."""
    problem = planned.problem
    if not isinstance(problem.evaluator(FULL), FittingMethod):
        return 1.0
    searched, tested = (
        sum(sample.degraded.numel() for sample in one.task.samples(one.split))
        for one in (problem, problem.for_test())
    )
    return tested / searched


def seconds_of_one(planned: Experiment) -> float:
    """The seconds of a full evaluation, from two short ones in this process.

    Raises :class:`~nasir.core.failures.TimeLimitError` where the shortest takes too long.
    """
    problem = planned.problem
    problem.check()
    evaluator = problem.evaluator(FULL)
    architecture = problem.domain.sample(np.random.default_rng(0))
    executor = Inline().within(PATIENCE, None).start(1)

    def taken(share: float) -> float:
        began = time.perf_counter()
        proposal = Proposal(architecture, fidelity=share)
        executor.submit(evaluator.evaluate, proposal, problem, 0).result()
        return time.perf_counter() - began

    with borrowed("search"):
        taken(SHARES[0])  # warms up
        short = taken(SHARES[0])
        try:
            longer = taken(SHARES[1])
        except TimeLimitError:
            return short / SHARES[0]
    rate = max(0.0, longer - short) / (SHARES[1] - SHARES[0])
    return longer + rate * (1 - SHARES[1])
