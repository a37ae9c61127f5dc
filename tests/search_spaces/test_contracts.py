from __future__ import annotations

from nasir.search_spaces.clearer.space import Clearer
from nasir.search_spaces.hinas.space import HiNas
from nasir.search_spaces.irnas.space import IrNas
from nasir.search_spaces.nasdip.space import NasDip
from nasir.search_spaces.unet.space import UNet
from nasir.testing import SearchSpaceContract


class TestNasDip(SearchSpaceContract):
    scales = (1, 2)

    def make(self) -> NasDip:
        return NasDip(depth=3, width=16)


class TestNasDipOfFullConnections(SearchSpaceContract):
    def make(self) -> NasDip:
        return NasDip(depth=2, width=16, connections="full")


class TestFewNasDip(SearchSpaceContract):
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


class TestHiNas(SearchSpaceContract):
    samples = 2
    scales = (1, 3)

    def make(self) -> HiNas:
        return HiNas(layers=3, nodes=2, width=4)


class TestFewHiNas(SearchSpaceContract):
    """So few that all are listed: one cell for all layers."""

    samples = 1

    def make(self) -> HiNas:
        return HiNas(
            layers=2,
            nodes=2,
            width=2,
            operations=("skip", "sep_3"),
            layer_wise=False,
        )


class TestHiNasOfFixedWidths(SearchSpaceContract):
    samples = 1

    def make(self) -> HiNas:
        return HiNas(layers=2, nodes=2, width=4, widths=(1, 4), residual=False)


class TestIrNas(SearchSpaceContract):
    samples = 2
    scales = (1, 2)

    def make(self) -> IrNas:
        return IrNas(layers=2, nodes=2, width=4)


class TestClearerOfTwoCells(SearchSpaceContract):
    samples = 2
    scales = (1, 2)

    def make(self) -> Clearer:
        return Clearer(channels=4, cells=2, columns=(2, 1))


class TestClearerOfOneCell(SearchSpaceContract):
    samples = 2

    def make(self) -> Clearer:
        return Clearer(channels=4, cells=1, columns=3, bottlenecks=1)


class TestUNet(SearchSpaceContract):
    scales = (1, 3)

    def make(self) -> UNet:
        return UNet(scales=2, widths=(8, 12), most_blocks=2)
