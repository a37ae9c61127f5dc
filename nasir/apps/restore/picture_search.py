"""Searching an architecture for one picture within a time (ISNAS-DIP)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import attrs

from nasir.apps.restore.mosaic import magnification
from nasir.apps.restore.planning import Plan
from nasir.apps.restore.tiles import cut
from nasir.apps.restore.window import Window, part
from nasir.core.architecture import Architecture
from nasir.core.engine import Budget, Engine
from nasir.core.errors import NasirError, SettingsError
from nasir.core.evaluation import evaluate_trial
from nasir.core.evaluator import Problem
from nasir.core.memory_store import MemoryStore
from nasir.core.task import Sample
from nasir.core.trial import FULL, Proposal, Trial
from nasir.fitting.dip import DeepImagePrior
from nasir.settings.building import make
from nasir.settings.components import executor_name
from nasir.strategies.isnas import PROXY, IsnasDip

Notify = Callable[..., None]

SIDE = 128
"""Longest side, in pixels of the restored picture, of the part that is searched on."""

SLOWER = 1.5
"""How much longer a step of a candidate may take than one of the usual architecture."""

SCORING, FITTING = 0.25, 0.6
"""Shares of the time for scoring untrained networks and for fitting candidates."""

FEWEST_STEPS, MOST_STEPS = 40, 300
"""Iterations of a candidate's fit: with fewer, reconstructions tell nothing."""

FEWEST_CANDIDATES = 3
"""With fewer, there is no middle to be nearest to, and the proxy decides alone."""

TIMED_STEPS = 4

SHORTEST = 1e-4
"""Seconds that anything takes at least."""

SIZES = frozenset(("pool", "keep"))
"""Settings of the strategy that follow from the time, unless they are asked for."""


@attrs.frozen
class Effort:
    """Architectures to score, how many of them to fit (0: none), and for how many steps."""

    pool: int
    keep: int
    iterations: int


@attrs.frozen
class Found:
    """What a search came to; `architecture` is None where time was too short for any."""

    architecture: Architecture | None
    scored: int
    fitted: int
    seconds: float


def found_for(sample: Sample, plan: Plan, notify: Notify) -> Found:
    """Search for `sample` within ``plan.seconds``, on its middle.

    A search that is cut short gives the best of what it has. What it finds depends on the
    machine's speed. Raises KeyboardInterrupt where a person ends it.
    """
    strategy = plan.strategy
    if not isinstance(strategy, IsnasDip):
        raise SettingsError("architecture=auto searches without ground truth: strategy=isnas only")
    whole = plan.problem
    around = middle(sample, magnification(sample, whole))
    clock = Clock(_on(around, whole), strategy, plan.threads)
    began = time.monotonic()
    effort = affordable(plan.seconds, clock.scoring(), clock.step(), _most(strategy))
    effort = attrs.evolve(effort, **{n: getattr(strategy, n) for n in plan.fixed & SIZES})
    strategy = attrs.evolve(strategy, pool=effort.pool, keep=max(1, effort.keep))
    problem = _fitted(_on(around, whole, began + plan.seconds), strategy, effort.iterations)
    budget = Budget(effort.pool + effort.keep, max(0.0, began + plan.seconds - time.monotonic()))
    notify("search_started", trials=budget.trials, seconds=plan.seconds)
    searched = attrs.evolve(plan, problem=problem, strategy=strategy)
    trials = _conducted(searched, budget, notify)
    stages = [trial.proposal.stage for trial in trials if trial.state == "complete"]
    scored = stages.count(PROXY)
    architecture = _recommended(strategy, trials)
    return Found(architecture, scored, len(stages) - scored, time.monotonic() - began)


def affordable(seconds: float, scoring_seconds: float, step_seconds: float, most: Effort) -> Effort:
    """What can be done in `seconds`, at most `most`, where a score and a step take so long."""
    pool = max(1, min(most.pool, int(SCORING * seconds / scoring_seconds)))
    steps = int(FITTING * seconds / (SLOWER * step_seconds))
    keep = min(most.keep, pool, steps // min(FEWEST_STEPS, most.iterations))
    if keep < min(FEWEST_CANDIDATES, most.keep):
        return Effort(pool, 0, most.iterations)
    return Effort(pool, keep, min(most.iterations, steps // keep))


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


class Clock:
    """Measures how long a score and a step of a fit take, on a usual architecture."""

    def __init__(self, problem: Problem, strategy: IsnasDip, threads: int) -> None:
        self.problem, self.strategy, self.threads = problem, strategy, threads
        self.architecture = _usual(problem)
        self._seconds(PROXY, 1)  # imports what is needed
        self._seconds(FULL, 1)

    def scoring(self) -> float:
        """Seconds that one score takes."""
        return max(self._seconds(PROXY, 1), SHORTEST)

    def step(self) -> float:
        """Seconds that one step of a fit takes."""
        more = self._seconds(FULL, 1 + TIMED_STEPS) - self._seconds(FULL, 1)
        return max(more / TIMED_STEPS, SHORTEST)

    def _seconds(self, stage: str, iterations: int) -> float:
        problem = _fitted(self.problem, self.strategy, iterations)
        trial = Trial(0, Proposal(self.architecture, stage), 0)
        return evaluate_trial(trial, problem, self.threads).trial.seconds or 0.0


def _usual(problem: Problem) -> Architecture:
    """An architecture of the space: a reference where there is one."""
    import numpy as np

    known = iter(problem.space.reference().values())
    return next(known, None) or problem.domain.sample(np.random.default_rng(problem.seed))


def _on(sample: Sample, problem: Problem, deadline: float = math.inf) -> Problem:
    """The same problem on a part of the picture."""
    return attrs.evolve(problem, task=Window(problem.task, sample, deadline), split="test")


def _fitted(problem: Problem, strategy: IsnasDip, iterations: int) -> Problem:
    """The same problem with fits of so many iterations, all of which are done."""
    full = problem.evaluators[FULL]
    assert isinstance(full, DeepImagePrior)
    short = attrs.evolve(full, iterations=min(iterations, full.iterations), stop="fixed")
    return attrs.evolve(problem, evaluators={FULL: short, **strategy.stages(short)})


def _most(strategy: IsnasDip) -> Effort:
    return Effort(strategy.pool, strategy.keep, MOST_STEPS)


def _conducted(searched: Plan, budget: Budget, notify: Notify) -> list[Trial]:
    """Run the search in memory; its trials."""
    problem, strategy, threads = searched.problem, searched.strategy, searched.threads
    assert strategy is not None
    store, inline = MemoryStore(), make("executor", executor_name(1))
    with inline.start(1) as executor:
        Engine(store, problem, strategy, executor, budget, threads=threads, notify=notify).search()
    return store.trials()


def _recommended(strategy: IsnasDip, trials: list[Trial]) -> Architecture | None:
    try:
        return strategy.recommend(trials).architecture
    except NasirError:
        return None
