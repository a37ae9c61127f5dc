"""The search space of IR-NAS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from nasir.search_spaces.cells.space import CellSpace, setting_again


@attrs.define(slots=False)
class IrNas(CellSpace):
    """One cell, stacked, and the width of every layer; deformable convolution is an operation.

    IR-NAS section 3; five operations and `none`. All layers share one searched cell (equations 1
    and 2 have no layer index), and the network's output is the picture (equation 7). The defaults
    are the paper's for denoising: 4 layers of 5 nodes, widths W, 2W or 4W with W = 10 while
    searching and 20 afterwards, and an ASPP after the last cell. For deraining it takes `layers` 3
    and `nodes` 4.
    """

    layers: int = setting_again("layers", 4)
    nodes: int = setting_again("nodes", 5)
    operations: tuple[str, ...] = setting_again(
        "operations", ("conv_3", "sep_3", "dil_3", "def_3", "skip")
    )
    factors: tuple[float, ...] = setting_again("factors", (1.0, 2.0, 4.0))
    layer_wise: bool = setting_again("layer_wise", False)
    residual: bool = setting_again("residual", False)
    aspp: tuple[int, ...] = setting_again("aspp", (2, 4, 6))

    name: ClassVar[str] = "irnas"
    activation_name: ClassVar[str] = "relu"
    replacing: ClassVar[tuple[str, ...]] = ("def_3",)
    hand_made: ClassVar[Mapping[str, str]] = {"all_conv": "conv_3", "all_def": "def_3"}
