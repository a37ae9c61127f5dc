from __future__ import annotations

from nasir.search_spaces.irnas.space import IrNas
from nasir.testing import SearchSpaceContract


class TestIrNas(SearchSpaceContract):
    samples = 2
    scales = (1, 2)

    def make(self) -> IrNas:
        return IrNas(layers=2, nodes=2, width=4)
