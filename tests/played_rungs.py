"""Searches over fidelity that are played without evaluations."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import attrs

from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Trial
from nasir.testing.strategies import DomainAlone, NeverAsked

LARGE = Domain("large", [Decision(name, range(12)) for name in "abcd"])

Scoring = Callable[[Trial], float | None]
"""The score of a trial, None where it fails."""


def bound(strategy: Strategy, domain: Domain = LARGE, seed: int = 0) -> Strategy:
    problem = Problem(DomainAlone(domain), None, {FULL: NeverAsked()}, seed)  # type: ignore
    strategy.bind(problem)
    return strategy


def started(strategy: Strategy, number: int) -> Trial | None:
    """The next trial, as the engine begins it."""
    proposal = strategy.ask()
    if proposal is None:
        return None
    own = derived_seed("trial", number)
    return Trial(number, proposal, own if proposal.seed is None else proposal.seed)


def ended(trial: Trial, score: float | None) -> Trial:
    if score is None:
        return attrs.evolve(trial, state="failed", error="made to fail")
    return attrs.evolve(trial, state="complete", score=score)


def played(
    strategy: Strategy, scoring: Scoring, trials: int, workers: int = 1
) -> tuple[list[Trial], int]:
    """So many trials, and how often a worker had to wait; fewer where the strategy ends."""
    flying: deque[Trial] = deque()
    finished: list[Trial] = []
    waits = 0
    while len(finished) < trials:
        while len(flying) < workers:
            trial = started(strategy, len(finished) + len(flying))
            if trial is None:
                waits += 1
                break
            flying.append(trial)
        if not flying:
            break
        trial = flying.popleft()
        finished.append(ended(trial, scoring(trial)))
        strategy.tell(finished[-1])
    return finished, waits
