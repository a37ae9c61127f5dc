from __future__ import annotations

from nasir.search_spaces.clearer.space import Clearer
from nasir.testing import SearchSpaceContract


class TestTwoCells(SearchSpaceContract):
    samples = 2
    scales = (1, 2)

    def make(self) -> Clearer:
        return Clearer(channels=4, cells=2, columns=(2, 1))


class TestOneCell(SearchSpaceContract):
    samples = 2

    def make(self) -> Clearer:
        return Clearer(channels=4, cells=1, columns=3, bottlenecks=1)
