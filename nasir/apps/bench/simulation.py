"""A search in memory: the engine's order of asking and telling, without a run's folder."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import attrs

from nasir.core.engine import MOST_REFUSED, with_pictures
from nasir.core.errors import NasirError
from nasir.core.evaluation import evaluate_trial
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial


def simulated(
    problem: Problem, strategy: Strategy, trials: int, workers: int = 1, threads: int = 1
) -> list[Trial]:
    """The trials of a search of `problem`, the same as those of a run with these settings."""
    return list(simulation(problem, strategy, trials, workers, threads))


def simulation(
    problem: Problem, strategy: Strategy, trials: int, workers: int = 1, threads: int = 1
) -> Iterator[Trial]:
    """The same one after another, as they are told; what is not taken is not evaluated.

    Evaluates in this process. `workers` is how many proposals are asked for ahead of the tellings
    (see :class:`~nasir.core.engine.Engine`). Raises :class:`~nasir.core.errors.NasirError` where
    the strategy proposes nothing but what is beyond a limit.
    """
    strategy.bind(problem)
    flying: deque[Trial] = deque()
    asked = counted = refused_in_a_row = 0
    while True:
        while len(flying) < workers and counted < trials:
            proposal = strategy.ask()
            if proposal is None:
                break
            trial = _asked_for(proposal, asked, problem)
            asked += 1
            counted += trial.state == "running"
            refused_in_a_row = 0 if trial.state == "running" else refused_in_a_row + 1
            if refused_in_a_row == MOST_REFUSED:
                raise NasirError(
                    f"{MOST_REFUSED} proposals in a row are {trial.error}: take a wider limit, or "
                    "a strategy that draws within it, such as strategy=random"
                )
            flying.append(trial)
        if not flying:
            return
        told = _ended(flying.popleft(), problem, strategy, threads)
        strategy.tell(told)
        yield told


def _asked_for(proposal: Proposal, number: int, problem: Problem) -> Trial:
    """The trial, failed at once where its architecture is beyond a limit."""
    seed = proposal.seed
    if seed is None:
        seed = derived_seed(problem.seed, "trial", number)
    trial = Trial(number, proposal, seed)
    reason = problem.refusal(trial.architecture)
    if reason is None:
        return trial
    return attrs.evolve(trial, state="failed", error=f"beyond a limit: {reason}")


def _ended(trial: Trial, problem: Problem, strategy: Strategy, threads: int) -> Trial:
    """The trial when it is over, with its pictures where the strategy looks at them."""
    if trial.state != "running":
        return trial
    looked_at = trial.proposal.stage in strategy.looks_at
    outcome = evaluate_trial(trial, problem.keeping(looked_at), threads)
    return with_pictures(outcome) if looked_at else outcome.trial
