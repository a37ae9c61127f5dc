from __future__ import annotations

from nasir.search_spaces.hinas.space import HiNas
from nasir.testing import SearchSpaceContract


class TestHiNas(SearchSpaceContract):
    samples = 2
    scales = (1, 3)

    def make(self) -> HiNas:
        return HiNas(layers=3, nodes=2, width=4)


class TestFewArchitectures(SearchSpaceContract):
    """So few that all are listed: one cell for all layers."""

    samples = 1

    def make(self) -> HiNas:
        return HiNas(
            layers=2,
            nodes=2,
            width=2,
            operations=("skip", "sep_3"),
            layer_wise=False,
            end="supernet",
        )


class TestFixedWidths(SearchSpaceContract):
    samples = 1

    def make(self) -> HiNas:
        return HiNas(layers=2, nodes=2, width=4, widths=(1, 4), residual=False)
