"""Downsampling by an integer factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import ForwardOperator, Size

if TYPE_CHECKING:
    import numpy as np

    from nasir.tasks.physics.resampling import Downsampling

AROUND = 3
"""Pixels of the small picture on each side that no kernel reaches beyond."""


@attrs.frozen
class _Downsampling(ForwardOperator):
    scale: int = setting(4, "how many times smaller the picture becomes", must.in_((2, 3, 4, 8)))

    kernel: ClassVar[str]

    @property
    def reach(self) -> int:  # type: ignore[override]
        return AROUND * self.scale

    def operator(self, size: Size, generator: np.random.Generator) -> Downsampling:
        from nasir.tasks.physics.resampling import Downsampling

        self.output_size(size)
        return Downsampling(self.scale, self.kernel)


@attrs.frozen
class Bicubic(_Downsampling):
    """Bicubic downsampling with anti-aliasing, as MATLAB's imresize; borders are mirrored."""

    kernel = "bicubic"


@attrs.frozen
class Lanczos2(_Downsampling):
    """Downsampling with the Lanczos-2 kernel, as Deep Image Prior; borders are repeated."""

    kernel = "lanczos2"
    borders = "repeated"
