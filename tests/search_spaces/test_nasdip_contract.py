from __future__ import annotations

from nasir.search_spaces.nasdip.space import NasDip
from nasir.testing import SearchSpaceContract


class TestSharedConnections(SearchSpaceContract):
    scales = (1, 2)

    def make(self) -> NasDip:
        return NasDip(depth=3, width=16)


class TestFullConnections(SearchSpaceContract):
    def make(self) -> NasDip:
        return NasDip(depth=2, width=16, connections="full")


class TestFewArchitectures(SearchSpaceContract):
    """So few that all are listed; some at this width cannot be built."""

    samples = 3

    def make(self) -> NasDip:
        return NasDip(
            depth=2,
            width=8,
            input_channels=4,
            same_level="searched",
            upsample=("nearest", "pixel_shuffle", "trans_conv"),
            transform=("conv", "split_stack_sum", "identity"),
            kernel=(1, 3),
            dilation=(1, 2),
            activation=("none", "prelu"),
        )
