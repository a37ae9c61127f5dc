"""A search in memory."""

from __future__ import annotations

from collections.abc import Iterator

from nasir.core.evaluator import Problem
from nasir.core.executor import InlineExecutor
from nasir.core.failures import FailurePolicy
from nasir.core.strategy import Strategy
from nasir.core.trial import Trial
from nasir.engine.loop import Budget, Engine
from nasir.engine.memory_store import MemoryStore


def simulated(
    problem: Problem, strategy: Strategy, trials: int, workers: int = 1, threads: int = 1
) -> list[Trial]:
    """The trials of a search of `problem`, the same as those of a run with these settings."""
    return list(simulation(problem, strategy, trials, workers, threads))


def simulation(
    problem: Problem, strategy: Strategy, trials: int, workers: int = 1, threads: int = 1
) -> Iterator[Trial]:
    """The same one after another, as the strategy gets them; what is not taken is not evaluated.

    Each trial has one attempt, in this process. `workers` is how many proposals are in flight (see
    :class:`~nasir.engine.loop.Engine`).
    """
    engine = Engine(
        MemoryStore(),
        problem,
        strategy,
        InlineExecutor(),
        Budget(trials),
        workers,
        threads,
        policy=FailurePolicy(attempts=1),
    )
    return engine.iterate()
