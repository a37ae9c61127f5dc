"""What holds other strategies: whose turn it is, what is evaluated, and who learns from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from nasir.core.architecture import Architecture
from nasir.core.evaluator import Problem
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.settings.experiment import experiment
from nasir.strategies.combining.chain import Chain
from nasir.strategies.combining.portfolio import Portfolio
from nasir.strategies.combining.screen import Screen

TOY = {kind: {"name": "toy"} for kind in ("space", "task", "evaluator")}


@attrs.define(slots=False)
class InTurn(Strategy):
    """Proposes given architectures in turn, and notes what it inherits."""

    architectures: list[Architecture] = attrs.field(factory=list)
    inherited: list[Trial] = attrs.field(factory=list)
    told: list[Trial] = attrs.field(factory=list)

    def bind(self, problem: Problem) -> None:
        self.asked = 0

    def ask(self) -> Proposal:
        self.asked += 1
        return Proposal(self.architectures[(self.asked - 1) % len(self.architectures)])

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)

    def inherit(self, trials: Sequence[Trial]) -> None:
        self.inherited += trials

    def state_dict(self) -> dict[str, Any]:
        return {"asked": self.asked}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.asked = state["asked"]


@pytest.fixture(scope="module")
def problem() -> Problem:
    return experiment({**TOY, "strategy": {"name": "random"}}).problem


@pytest.fixture
def architectures(problem: Problem) -> list[Architecture]:
    return list(problem.domain)[:4]


def evaluated(proposal: Proposal, number: int, score: float, **metrics: float) -> Trial:
    return Trial(number, proposal, number, "complete", score, metrics)


def test_the_second_of_a_chain_begins_after_the_trials_of_the_first_and_inherits_them(
    problem: Problem, architectures: list[Architecture]
):
    first, second = InTurn(architectures[:1]), InTurn(architectures[1:2])
    chain = Chain((first, second), trials=(2,))
    chain.bind(problem)
    proposed = []
    for number in range(4):
        proposal = chain.ask()
        assert proposal is not None
        proposed.append(proposal.architecture)
        chain.tell(evaluated(proposal, number, float(number)))
    a, b = architectures[:2]
    assert proposed == [a, a, b, b]
    assert [trial.score for trial in second.inherited] == [0.0, 1.0]
    assert first.inherited == []


def test_the_second_of_a_chain_waits_for_all_trials_of_the_first(
    problem: Problem, architectures: list[Architecture]
):
    chain = Chain((InTurn(architectures[:1]), InTurn(architectures[1:2])), trials=(2,))
    chain.bind(problem)
    first, second = chain.ask(), chain.ask()
    assert first is not None
    assert second is not None
    assert chain.ask() is None
    chain.tell(evaluated(first, 0, 0.0))
    assert chain.ask() is None
    chain.tell(evaluated(second, 1, 1.0))
    assert (third := chain.ask()) is not None
    assert third.architecture == architectures[1]


def test_a_screen_evaluates_the_candidate_with_the_best_proxy_alone(
    problem: Problem, architectures: list[Architecture]
):
    inner = InTurn(architectures[:3])
    screen = Screen(inner, candidates=3, proxies=("parameters",))
    screen.bind(problem)
    full = []
    for number, parameters in enumerate((5.0, 9.0, 7.0)):
        proposal = screen.ask()
        assert proposal is not None
        full.append(proposal.stage == FULL)
        screen.tell(evaluated(proposal, number, 0.0, parameters=parameters))
    proposal = screen.ask()
    assert proposal is not None
    assert full == [False] * 3
    assert (proposal.stage, proposal.architecture) == (FULL, architectures[1])
    screen.tell(evaluated(proposal, 3, 30.0))
    assert [trial.score for trial in inner.told] == [None, 30.0, None]  # the others have no score


def test_a_portfolio_gives_turns_by_the_mean_gain_and_a_bonus_for_few(
    problem: Problem, architectures: list[Architecture]
):
    """UCB1 (Auer et al. 2002, figure 1), written out; the first part's scores rise faster."""
    weight, scores, gains = 0.2, [], [[], []]
    portfolio = Portfolio(tuple(InTurn([one]) for one in architectures[:2]), exploration=weight)
    portfolio.bind(problem)
    for number in range(40):
        turns = [len(one) for one in gains]
        priorities = [
            sum(mine) / len(mine) + weight * math.sqrt(2 * math.log(sum(turns)) / len(mine))
            if mine
            else math.inf
            for mine in gains
        ]
        turn = priorities.index(max(priorities))
        proposal = portfolio.ask()
        assert proposal is not None
        assert proposal.architecture == architectures[turn]
        score = float(number) if turn == 0 else number / 2 + 0.25
        below = sum(earlier < score for earlier in scores)
        gains[turn].append(below / len(scores) if scores else 1.0)
        scores.append(score)
        portfolio.tell(evaluated(proposal, number, score))
    assert len(gains[0]) > 2 * len(gains[1]) > 4


@pytest.mark.parametrize("share", [True, False])
def test_the_parts_of_a_portfolio_learn_from_each_other_if_they_share(
    share: bool, problem: Problem, architectures: list[Architecture]
):
    parts = tuple(InTurn([one]) for one in architectures[:2])
    portfolio = Portfolio(parts, share=share)
    portfolio.bind(problem)
    for number in range(2):
        proposal = portfolio.ask()
        assert proposal is not None
        portfolio.tell(evaluated(proposal, number, float(number)))
    seen = [[trial.number for trial in part.inherited] for part in parts]
    assert seen == ([[1], [0]] if share else [[], []])
