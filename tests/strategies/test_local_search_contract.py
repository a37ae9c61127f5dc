from __future__ import annotations

import pytest

from nasir.strategies.local_search import LocalSearch
from nasir.testing import StrategyContract


@pytest.mark.parametrize("move", ["best", "first"])
class TestLocalSearchContract(StrategyContract):
    @pytest.fixture(autouse=True)
    def _move(self, move: str) -> None:
        self.move = move

    def make(self) -> LocalSearch:
        return LocalSearch(move=self.move)
