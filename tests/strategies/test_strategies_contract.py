from __future__ import annotations

from nasir.strategies.darts.strategy import Darts
from nasir.strategies.random import RandomSearch
from nasir.strategies.rl.strategy import ReinforcementLearning
from nasir.testing import StrategyContract


class TestRandomSearch(StrategyContract):
    def make(self) -> RandomSearch:
        return RandomSearch()


class TestReinforcementLearning(StrategyContract):
    """Small, with several rounds in the trials of each case."""

    def make(self) -> ReinforcementLearning:
        return ReinforcementLearning(hidden=8, steps=6, candidates=4, kept=2)


class TestDarts(StrategyContract):
    """Its epochs follow each other: one in flight, and none after one that failed."""

    takes_the_best = False
    goes_on_after_failures = False

    def make(self) -> Darts:
        return Darts(epochs=40, selection="perturbation")
