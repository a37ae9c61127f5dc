from __future__ import annotations

from nasir.strategies.combining.chain import Chain
from nasir.strategies.combining.portfolio import Portfolio
from nasir.strategies.combining.screen import Screen
from nasir.strategies.exhaustive import Exhaustive
from nasir.strategies.random import RandomSearch
from nasir.strategies.rl.strategy import ReinforcementLearning
from nasir.strategies.zero_cost import ZeroCost
from nasir.testing import StrategyContract


def small_rl() -> ReinforcementLearning:
    return ReinforcementLearning(hidden=8, steps=6, candidates=4, kept=2)


class TestExhaustive(StrategyContract):
    seeds_differ = False

    def make(self) -> Exhaustive:
        return Exhaustive()


class TestZeroCost(StrategyContract):
    """The ranks say which are evaluated, and none where no score is complete."""

    goes_on_after_failures = False

    def make(self) -> ZeroCost:
        return ZeroCost(pool=8, keep=4)


class TestChain(StrategyContract):
    def make(self) -> Chain:
        return Chain((ZeroCost(pool=5, keep=3), small_rl(), RandomSearch()), trials=(8, 9))


class TestPortfolio(StrategyContract):
    def make(self) -> Portfolio:
        return Portfolio((small_rl(), RandomSearch(), ZeroCost(pool=4, keep=2)))


class TestScreen(StrategyContract):
    def make(self) -> Screen:
        return Screen(small_rl(), candidates=3)


class TestNested(StrategyContract):
    """A portfolio of a chain and a screened one."""

    def make(self) -> Portfolio:
        screened = Screen(ZeroCost(pool=4, keep=3), candidates=2)
        return Portfolio((Chain((RandomSearch(), small_rl()), trials=(4,)), screened))
