"""The search space of IR-NAS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from nasir.search_spaces.cells.space import CellSpace, setting_again


@attrs.define(slots=False)
class IrNas(CellSpace):
    """Operations, inputs and width of every cell, deformable convolution among the operations.

    IR-NAS section 3; five operations and `none`. The defaults are the paper's for denoising:
    4 layers of 5 nodes, width 10 times 1, 2 or 4, and an ASPP after the last cell. For deraining
    it takes `layers` 3 and `nodes` 4.
    """

    layers: int = setting_again("layers", 4)
    nodes: int = setting_again("nodes", 5)
    operations: tuple[str, ...] = setting_again(
        "operations", ("conv_3", "sep_3", "dil_3", "def_3", "skip")
    )
    factors: tuple[float, ...] = setting_again("factors", (1.0, 2.0, 4.0))
    width: int = setting_again("width", 10)

    name: ClassVar[str] = "irnas"
    activation_name: ClassVar[str] = "relu"
    aspp_rates: ClassVar[tuple[int, ...]] = (2, 4, 6)
    hand_made: ClassVar[Mapping[str, str]] = {"all_conv": "conv_3", "all_def": "def_3"}
