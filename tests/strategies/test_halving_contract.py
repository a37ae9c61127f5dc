from __future__ import annotations

from nasir.strategies.halving.halving import SuccessiveHalving
from nasir.testing import StrategyContract


class TestSuccessiveHalvingContract(StrategyContract):
    def make(self) -> SuccessiveHalving:
        return SuccessiveHalving()


class TestSynchronousHalvingContract(StrategyContract):
    """With more than two rounds in the trials of each case."""

    def make(self) -> SuccessiveHalving:
        return SuccessiveHalving(mode="synchronous", pool=9)
