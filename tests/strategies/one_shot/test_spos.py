"""Evolution over paths."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Problem
from nasir.core.trial import Trial
from nasir.strategies.one_shot.rsws import RandomWeightSharing
from nasir.strategies.one_shot.spos import SinglePathOneShot
from nasir.strategies.one_shot.strategy import SHARED, OneShot
from nasir.testing.strategies import DomainAlone

WIDE = Domain("wide", [Decision(f"d{i}", range(5)) for i in range(10)])


def ones(architecture: Architecture) -> float:
    """The number of decisions that took option 4: best 10, of random ones 2 in the mean."""
    return float(sum(value == 4 for value in architecture.choices.values()))


def evaluate(strategy: OneShot, seed: int = 0) -> list[Trial]:
    """The paths that are evaluated where the score is that of :func:`ones`."""
    strategy.bind(Problem(DomainAlone(WIDE), None, {}, seed))  # type: ignore[arg-type]
    trials: list[Trial] = []
    while proposal := strategy.ask():
        score = ones(proposal.architecture)
        trials.append(Trial(len(trials), proposal, 0, "complete", score))
        strategy.tell(trials[-1])
    return [t for t in trials if t.proposal.stage == SHARED]


def small(**changed: Any) -> SinglePathOneShot:
    given = SinglePathOneShot(epochs=1, population=20, generations=10, parents=5)
    return attrs.evolve(given, **changed)


def hamming(one: Architecture, other: Architecture) -> int:
    return sum(one.choices[name] != other.choices[name] for name in one.choices)


def test_evolution_finds_better_paths_than_random_search_on_the_same_budget() -> None:
    for seed in range(3):
        evolved = max(ones(t.architecture) for t in evaluate(small(), seed))
        drawn = RandomWeightSharing(epochs=1, candidates=200)
        assert evolved >= 2 + max(ones(t.architecture) for t in evaluate(drawn, seed))


def test_mutants_without_further_mutation_differ_from_a_best_one_in_one_decision() -> None:
    trials = evaluate(small(crossover=0.0, mutation=0.0, generations=2))
    parents = _best(trials[:20])
    for trial in trials[20:]:
        assert min(hamming(trial.architecture, parent) for parent in parents) == 1


def test_a_mutants_decisions_change_with_the_chance_that_is_set() -> None:
    """Of 10 decisions each with chance 0.5, and no more than once in the mean twice: near 4."""
    trials = evaluate(small(crossover=0.0, mutation=0.5, generations=2, population=100, parents=1))
    (parent,) = _best(trials[:100])[:1]
    changes = [hamming(t.architecture, parent) for t in trials[100:]]
    # k of 10 drawn with replacement: 10 (1 - (1 - 1/10)^k) places, over k ~ B(10, 1/2), less the
    # 1/4 of a chance that a place drawn twice comes back
    k = np.random.default_rng(0).binomial(10, 0.5, 20000)
    expected = np.mean(10 * 0.8 * (1 - (1 - 1 / 8) ** np.maximum(k, 1)))
    assert abs(np.mean(changes) - expected) < 0.5


def test_children_take_every_decision_from_the_best() -> None:
    trials = evaluate(small(crossover=1.0, generations=2, parents=2))
    parents = _best(trials[:20])[:2]
    children = [
        t.architecture
        for t in trials[20:]
        if all(any(t.architecture.choices[n] == p.choices[n] for p in parents) for n in p_names())
    ]
    assert len(children) == 20


def p_names() -> list[str]:
    return [decision.name for decision in WIDE.decisions]


def _best(trials: list[Trial]) -> list[Architecture]:
    """The parents: the five greatest scores, the first finished of equals."""
    return [t.architecture for t in sorted(trials, key=lambda t: -(t.score or 0))[:5]]
