from __future__ import annotations

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
