"""Strategies that take turns by UCB1 (Auer et al. 2002)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Problem
from nasir.core.trial import FULL, Proposal, Trial
from nasir.strategies.combining.portfolio import Portfolio
from nasir.strategies.random import RandomSearch
from nasir.testing.strategies import DomainAlone

WIDE = Domain("wide", [Decision(f"d{i}", range(5)) for i in range(6)])


def turns_by_ucb1(gains: list[float], exploration: float, trials: int) -> list[int]:
    """The turns of parts whose every trial gains the same, the first of equals first."""
    turns = [1] * len(gains)
    for done in range(len(gains), trials):
        bound = [
            gain + exploration * math.sqrt(2 * math.log(done) / of)
            for gain, of in zip(gains, turns, strict=True)
        ]
        turns[bound.index(max(bound))] += 1
    return turns


@pytest.mark.parametrize("exploration", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("better", [0, 1, None])
def test_a_part_that_surpasses_all_before_it_has_the_turns_of_ucb1(
    better: int | None, exploration: float
) -> None:
    portfolio = Portfolio((RandomSearch(), RandomSearch()), exploration)
    portfolio.bind(Problem(DomainAlone(WIDE), None, {FULL: None}))  # type: ignore[arg-type]
    earlier = Proposal(WIDE.sample(np.random.default_rng(0)))
    portfolio.inherit([Trial(0, earlier, 0, state="complete", score=0.0)])
    for number in range(1, 41):
        before = portfolio.state_dict()["turns"]
        proposal = portfolio.ask()
        assert proposal is not None
        after = portfolio.state_dict()["turns"]
        part = next(i for i in range(2) if after[i] > before[i])
        score = float(number if part == better else -number)
        portfolio.tell(Trial(number, proposal, 0, state="complete", score=score))
    gains = [float(place == better) for place in range(2)]
    assert portfolio.state_dict()["turns"] == turns_by_ucb1(gains, exploration, 40)
