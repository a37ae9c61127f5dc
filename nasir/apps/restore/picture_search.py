"""Searching an architecture for one picture within a time, without ground truth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping

import attrs

from nasir.apps.restore.mosaic import magnification
from nasir.apps.restore.planning import RestorationPlan
from nasir.apps.restore.tiles import cut
from nasir.apps.restore.window import Window, part
from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError
from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.search_space import Signature
from nasir.core.strategy import Strategy, Timing
from nasir.core.task import Sample
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.borrowed import use_threads
from nasir.engine.evaluation import evaluate_trial
from nasir.engine.loop import Budget, Engine
from nasir.engine.memory_store import MemoryStore
from nasir.fitting.method import FittingMethod
from nasir.settings.building import make
from nasir.settings.components import executor_name

Notify = Callable[..., None]

SIDE = 128
"""Longest side, in pixels of the restored picture, of the part that is searched on."""

FEWEST_STEPS, MOST_STEPS = 40, 300
"""Steps of a candidate's fit: reconstructions of fewer say nothing, more choose no better."""

TIMED_STEPS = 4

SHORTEST = 1e-4
"""Seconds that anything takes at least."""

ONE_STEP = 1e-9
"""A fidelity so low that a fit has one step."""


@attrs.frozen
class SearchResult:
    """The result of a search; `architecture` is None where time was too short for any."""

    architecture: Architecture | None
    scored: int
    fitted: int
    seconds: float


@attrs.frozen
class ShortFit(Evaluator):
    """Fits as `method` does, but for a share of its effort."""

    method: FittingMethod
    share: float

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        shorter = attrs.evolve(proposal, fidelity=self.share * proposal.fidelity)
        return self.method.evaluate(shorter, problem, seed)

    def check(self, problem: Problem) -> None:
        self.method.check(problem)

    def signature(self, problem: Problem) -> Signature:
        return self.method.signature(problem)

    def metric_names(self, problem: Problem) -> Collection[str] | None:
        return self.method.metric_names(problem)


def search_for(sample: Sample, planned: RestorationPlan, notify: Notify) -> SearchResult:
    """Search for `sample` within ``planned.seconds``, on its middle.

    A search that is cut short gives the best of what it has. What it finds depends on the
    machine's speed. Raises KeyboardInterrupt where a person ends it.
    """
    strategy, seconds, whole = planned.strategy, planned.seconds, planned.problem
    assert strategy is not None
    method = whole.evaluator(FULL)
    assert isinstance(method, FittingMethod)
    around = middle(sample, magnification(sample, whole))
    fixed = attrs.evolve(method, stop="fixed")  # all steps of a short fit are done
    timing = measure(_on(around, whole, _evaluators(strategy, fixed)), planned.threads)
    began = time.monotonic()
    size = strategy.sized_to(seconds, timing, planned.fixed)
    evaluators = {
        stage: ShortFit(one, size.share) if isinstance(one, FittingMethod) else one
        for stage, one in _evaluators(size.strategy, fixed).items()
    }
    problem = _on(around, whole, evaluators, began + seconds)
    budget = Budget(size.trials, max(0.0, began + seconds - time.monotonic()))
    notify("search_started", trials=budget.trials, seconds=seconds)
    trials = _search(problem, size.strategy, budget, planned.threads, notify)
    stages = [trial.proposal.stage for trial in trials if trial.state == "complete"]
    fitted = sum(isinstance(evaluators[stage], ShortFit) for stage in stages)
    architecture = _recommended(size.strategy, trials)
    return SearchResult(architecture, len(stages) - fitted, fitted, time.monotonic() - began)


def middle(sample: Sample, scale: int) -> Sample:
    """The part of `sample` to search on: the one with most observed pixels nearest its middle."""
    height, width = sample.degraded.shape[-2:]
    tiles = cut(height, width, SIDE // scale, 0)

    def preference(number: int) -> tuple[float, float]:
        rows, columns = tiles[number].rows, tiles[number].columns
        seen = 1.0 if sample.mask is None else sample.mask[..., rows, columns].mean().item()
        down, across = rows.start + rows.stop - height, columns.start + columns.stop - width
        return -seen, down**2 + across**2

    best = tiles[min(range(len(tiles)), key=preference)]
    return part(sample, best.rows, best.columns)


def measure(problem: Problem, threads: int) -> Timing:
    """How long an evaluation at each stage takes, on a usual architecture."""
    use_threads(threads)
    architecture, seconds, full = _usual(problem), {}, 1
    for stage, evaluator in problem.evaluators.items():
        if isinstance(evaluator, FittingMethod):
            taken, steps = _time_of_fit(evaluator, problem, architecture)
            full = steps if stage == FULL else full
        else:
            trial = Trial(0, Proposal(architecture, stage), 0)
            evaluate_trial(trial, problem, threads)  # imports what is needed
            taken = evaluate_trial(trial, problem, threads).trial.seconds or 0.0
        seconds[stage] = max(taken, SHORTEST)
    return Timing(seconds, min(1.0, FEWEST_STEPS / full), min(1.0, MOST_STEPS / full))


def _time_of_fit(
    method: FittingMethod, problem: Problem, architecture: Architecture
) -> tuple[float, int]:
    """Seconds and steps of a full fit, from the time of a few steps."""
    (sample,) = problem.task.samples(problem.split)

    def timed(fidelity: float) -> tuple[float, int, int]:
        began = time.perf_counter()
        one = method.fit_picture(architecture, problem, sample, 0, fidelity)
        return time.perf_counter() - began, one.fit.ran, one.fit.full

    try:
        full = timed(ONE_STEP)[2]  # imports what is needed
        first, ran, _ = timed(ONE_STEP)
        longer, further, _ = timed(min(1.0, (1 + TIMED_STEPS) / full))
    except NasirError:
        return SHORTEST, 1  # other architectures may do better
    if further == ran:
        return first, full
    return max((longer - first) / (further - ran), SHORTEST) * full, full


def _usual(problem: Problem) -> Architecture:
    """An architecture of the space: a reference where there is one."""
    import numpy as np

    known = iter(problem.space.reference().values())
    return next(known, None) or problem.domain.sample(np.random.default_rng(problem.seed))


def _on(
    sample: Sample,
    problem: Problem,
    evaluators: Mapping[str, Evaluator],
    deadline: float = math.inf,
) -> Problem:
    """The problem on a part of the picture, with an evaluator for each stage."""
    window = Window(problem.task, sample, deadline)
    return attrs.evolve(problem, task=window, evaluators=evaluators)


def _evaluators(strategy: Strategy, full: FittingMethod) -> dict[str, Evaluator]:
    return {FULL: full, **strategy.stages(full)}


def _search(
    problem: Problem, strategy: Strategy, budget: Budget, threads: int, notify: Notify
) -> list[Trial]:
    """Search in memory; its trials."""
    store, inline = MemoryStore(), make("executor", executor_name(1))
    with inline.start(1) as executor:
        Engine(store, problem, strategy, executor, budget, threads=threads, notify=notify).search()
    return store.trials()


def _recommended(strategy: Strategy, trials: list[Trial]) -> Architecture | None:
    try:
        return strategy.recommend(trials).architecture
    except NasirError:
        return None
