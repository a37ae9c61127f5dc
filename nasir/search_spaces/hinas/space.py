"""The search space of HiNAS."""

from __future__ import annotations

from typing import ClassVar

import attrs

from nasir.search_spaces.cells.space import CellSpace


@attrs.define(slots=False)
class HiNas(CellSpace):
    """Operations, inputs and width of every cell (HiNAS section 3; six operations and `none`).

    The defaults are the paper's for denoising: 3 layers of 4 nodes, width 10 while searching and
    20 afterwards, times 1, 1.5 or 2. For super-resolution it takes `layers` 2, `nodes` 3,
    `search_width` 8, `width` 16 and, as its program, ``aspp=[2, 4, 6]``. Its table 3 compares
    widths that are searched (HiNAS-ws, the default), ``widths=[2.0]``, 40 channels everywhere
    (HiNAS-w40), and ``widths=[1.0, 2.0, 4.0]``, doubled from 20 cell by cell (HiNAS-wm). Table 1
    has ``layer_wise=false`` and ``residual=false``.
    """

    name: ClassVar[str] = "hinas"
    activation_name: ClassVar[str] = "leaky_relu"
