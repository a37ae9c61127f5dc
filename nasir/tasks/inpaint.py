"""Filling in missing pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Degradation
from nasir.tasks.degradations.mask import Mask
from nasir.tasks.paired_task import PairedTask

if TYPE_CHECKING:
    from torch import Tensor

    from nasir.core.task import Sample

MARGIN = 48
"""Fewest pixels around the holes that a fit sees."""


@attrs.define(slots=False)
class Inpaint(PairedTask):
    """Fill in missing pixels.

    The degraded picture is the clean one times a mask of 0 and 1, and a fit uses the pixels
    that are there (Deep Image Prior, equation 4). The mask is drawn for each picture, each pixel
    missing with probability ``task.missing``, or is the picture ``task.mask``, white where pixels
    are there. With ``task.known=exact``, as in ``nasir restore`` and ``evaluate``, these come back
    as they were, and what fills the hole is joined to them without a seam.
    """

    degradation: Degradation = setting(
        Mask(), "how pixels go missing: mask, or with more: mask+gaussian", open=True
    )

    known: str = setting(
        "fitted",
        "pixels that are there: exact (as they were; not where the degradation is more than a "
        "mask), or fitted (what the network makes of them)",
        must.in_(("exact", "fitted")),
    )

    stream: ClassVar[str] = "mask"
    fitting: ClassVar[Mapping[str, Any]] = {"iterations": 400, "stop": "plateau"}

    @classmethod
    def settings_for(cls, use: str) -> Mapping[str, Any]:
        """A person wants to keep what is known."""
        kept = {"known": "exact"} if use in ("restore", "evaluate") else {}
        return {**super().settings_for(use), **kept}

    def degrading(self) -> Degradation:
        return self.degradation

    def restored(self, output: Tensor, sample: Sample) -> Tensor:
        from nasir.kernels.filling import joined

        if sample.mask is None or not self._keeps:
            return output
        return joined(output, sample.degraded, sample.mask)

    def region(self, sample: Sample) -> tuple[slice, slice] | None:
        """The holes and as much around them as they are long, where known pixels are kept."""
        from nasir.kernels.filling import around

        if sample.mask is None or not self._keeps:
            return super().region(sample)
        return around(sample.mask[0, 0] < 1, MARGIN)

    @property
    def conceals(self) -> bool:
        return self._keeps

    def concealed(self, sample: Sample) -> Sample:
        """With a copy of its hole elsewhere."""
        from nasir.tasks.physics.concealing import concealed

        assert sample.mask is not None, "there is no hole"
        mask = concealed(sample.mask, self.seed)
        degraded = sample.degraded * ((mask > 0) | (sample.mask < 1))
        return attrs.evolve(sample, degraded=degraded, mask=mask, clean=None)

    @property
    def _keeps(self) -> bool:
        return self.known == "exact" and isinstance(self.degradation, Mask)
