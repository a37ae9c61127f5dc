"""The contract of strategies, kept by all that train a supernet by paths."""

from __future__ import annotations

from nasir.strategies.one_shot.enas import Enas
from nasir.strategies.one_shot.rsws import RandomWeightSharing
from nasir.strategies.one_shot.spos import SinglePathOneShot
from nasir.testing import StrategyContract


class OneShotContract(StrategyContract):
    """Epochs follow each other: none after one that failed, as the first of some cases does.

    Searches whose epochs do not fail are in ``test_schedule.py``.
    """

    takes_the_best = False
    goes_on_after_failures = False


class TestRswsContract(OneShotContract):
    def make(self) -> RandomWeightSharing:
        return RandomWeightSharing(epochs=3, candidates=200, final=4)


class TestSposContract(OneShotContract):
    def make(self) -> SinglePathOneShot:
        return SinglePathOneShot(epochs=3, population=7, generations=30, parents=3, final=4)


class TestEnasContract(OneShotContract):
    def make(self) -> Enas:
        return Enas(epochs=3, steps=2, updates=2, samples=2, candidates=200, final=4, hidden=4)
