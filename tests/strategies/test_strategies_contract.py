"""The contract of strategies, kept by all; nevergrad's and isnas's are beside their other tests."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasir.core.domain import Domain
from nasir.core.evaluator import Problem
from nasir.core.objectives import Objective
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Trial
from nasir.strategies.bananas.strategy import Bananas
from nasir.strategies.combining.chain import Chain
from nasir.strategies.combining.portfolio import Portfolio
from nasir.strategies.combining.screen import Screen
from nasir.strategies.darts.strategy import Darts
from nasir.strategies.evolution.strategy import Evolution
from nasir.strategies.exhaustive import Exhaustive
from nasir.strategies.halving.halving import SuccessiveHalving
from nasir.strategies.halving.hyperband import Hyperband
from nasir.strategies.local_search import LocalSearch
from nasir.strategies.nevergrad.strategy import Nevergrad
from nasir.strategies.one_shot.enas import Enas
from nasir.strategies.one_shot.rsws import RandomWeightSharing
from nasir.strategies.one_shot.spos import SinglePathOneShot
from nasir.strategies.random import RandomSearch
from nasir.strategies.rl.strategy import ReinforcementLearning
from nasir.strategies.zero_cost import ZeroCost
from nasir.testing import StrategyContract
from nasir.testing.strategies import DomainAlone, NeverAsked, Play

Maker = Callable[[], Strategy]


def small_rl() -> ReinforcementLearning:
    """Several rounds in the trials of each case."""
    return ReinforcementLearning(hidden=8, steps=6, candidates=4, kept=2)


def nested() -> Portfolio:
    screened = Screen(ZeroCost(pool=4, keep=3), candidates=2)
    return Portfolio((Chain((RandomSearch(), small_rl()), trials=(4,)), screened))


GENERAL: dict[str, Maker] = {
    "random": RandomSearch,
    "rl": small_rl,
    "bananas": lambda: Bananas(initial=4, members=2, epochs=5, candidates=8, parents=3),
    "evolution": lambda: Evolution(population=6, tournament=2, crossover=0.5),
    "elitist": lambda: Evolution(population=6, survival="elitist", mutation=0.5, mutations=2),
    "halving": SuccessiveHalving,
    "synchronous_halving": lambda: SuccessiveHalving(mode="synchronous", pool=9),
    "hyperband": Hyperband,
    "synchronous_hyperband": lambda: Hyperband(mode="synchronous", eta=2, lowest=0.2),
    "local_best": lambda: LocalSearch(move="best"),
    "local_first": lambda: LocalSearch(move="first"),
    "chain": lambda: Chain((ZeroCost(pool=5, keep=3), small_rl(), RandomSearch()), trials=(8, 9)),
    "portfolio": lambda: Portfolio((small_rl(), RandomSearch(), ZeroCost(pool=4, keep=2))),
    "screen": lambda: Screen(small_rl(), candidates=3),
    "nested": nested,
}

EPOCHS: dict[str, Maker] = {
    "darts": lambda: Darts(epochs=40, selection="perturbation"),
    "rsws": lambda: RandomWeightSharing(epochs=3, candidates=200, final=4),
    "spos": lambda: SinglePathOneShot(epochs=3, population=7, generations=30, parents=3, final=4),
    "enas": lambda: Enas(
        epochs=3, steps=2, updates=2, samples=2, candidates=200, final=4, hidden=4
    ),
}


class ByParameter(StrategyContract):
    @pytest.fixture(autouse=True)
    def _maker(self, maker: Maker) -> None:
        self.make = maker


@pytest.mark.parametrize("maker", GENERAL.values(), ids=GENERAL)
class TestStrategies(ByParameter):
    """Strategies without a limit on their trials, whatever fails."""


@pytest.mark.parametrize("maker", EPOCHS.values(), ids=EPOCHS)
class TestSupernets(ByParameter):
    """Epochs follow each other: one in flight, and none after one that failed."""

    takes_the_best = False
    goes_on_after_failures = False


class TestExhaustive(StrategyContract):
    seeds_differ = False

    def make(self) -> Exhaustive:
        return Exhaustive()


class TestZeroCost(StrategyContract):
    """Nothing is ranked, and so nothing evaluated, if no score is complete."""

    goes_on_after_failures = False

    def make(self) -> ZeroCost:
        return ZeroCost(pool=8, keep=4)


class WithSize(Evolution):
    """Adds the second metric to trials that are played without an evaluator."""

    def tell(self, trial: Trial) -> None:
        size = len(str(trial.architecture))
        super().tell(attrs.evolve(trial, metrics={"psnr": trial.score or 0.0, "size": size}))


class TestTwoObjectives(StrategyContract):
    def make(self) -> Evolution:
        return WithSize(population=6)

    def problem(self, domain: Domain, seed: int) -> Problem:
        objectives = (Objective("psnr"), Objective("size", -1))
        return attrs.evolve(super().problem(domain, seed), objectives=objectives)


ONCE: dict[str, Maker] = {
    "local_best": lambda: LocalSearch(move="best"),
    "local_first": lambda: LocalSearch(move="first"),
    "ageing": lambda: Evolution(population=4, crossover=0.5, survival="ageing"),
    "elitist": lambda: Evolution(population=4, crossover=0.5, survival="elitist"),
    "bananas": lambda: Bananas(initial=2, members=2, epochs=1, candidates=4, parents=2),
    "nevergrad_discrete": lambda: Nevergrad("DiscreteOnePlusOne"),
    "nevergrad_real": lambda: Nevergrad("DE"),
}


def bound(maker: Maker, domain: Domain) -> Strategy:
    strategy = maker()
    strategy.bind(Problem(DomainAlone(domain), None, {FULL: NeverAsked()}, 0))
    return strategy


@pytest.mark.parametrize("maker", ONCE.values(), ids=ONCE)
@given(domain=..., workers=st.integers(1, 5), fail_every=st.sampled_from([0, 2, 3]))
@settings(max_examples=10, deadline=None)
def test_every_architecture_of_any_domain_is_evaluated_once(
    maker: Maker, domain: Domain, workers: int, fail_every: int
):
    trials = 12 if maker in list(ONCE.values())[-3:] else domain.size + 1
    finished = Play(bound(maker, domain), workers, fail_every).go_on(trials)
    evaluated = {trial.architecture.id for trial in finished}
    assert len(evaluated) == len(finished) == min(trials, domain.size)


@pytest.mark.parametrize("maker", list(ONCE.values())[:3], ids=list(ONCE)[:3])
@given(domain=..., workers=st.integers(1, 4), interrupted_at=st.integers(0, 30))
@settings(max_examples=20, deadline=None)
def test_a_restored_search_continues_with_the_same_proposals(
    maker: Maker, domain: Domain, workers: int, interrupted_at: int
):
    whole = Play(bound(maker, domain), workers, 4)
    whole.go_on(interrupted_at)
    restored = bound(maker, domain)
    restored.load_state_dict(whole.strategy.state_dict())
    restored.remember(whole.finished)
    again = Play(restored, workers, 4, whole.flying.copy(), [*whole.finished])
    assert whole.go_on(60) == again.go_on(60)
    assert whole.strategy.state_dict() == restored.state_dict()
