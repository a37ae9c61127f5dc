"""Filling in missing pixels."""

from __future__ import annotations

from typing import ClassVar

import attrs

from nasir.core.component import setting
from nasir.core.degradation import Degradation
from nasir.tasks.degradations.mask import Mask
from nasir.tasks.paired_task import PairedTask


@attrs.define(slots=False)
class Inpaint(PairedTask):
    """Fill in missing pixels.

    The degraded picture is the clean one times a mask of 0 and 1, and a fit uses the pixels
    that are there (Deep Image Prior, equation 4). The mask is drawn for each picture, each pixel
    missing with probability ``task.missing``, or is the picture ``task.mask``, white where pixels
    are there.
    """

    degradation: Degradation = setting(
        Mask(), "how pixels go missing: mask, or with more: mask+gaussian", open=True
    )

    stream: ClassVar[str] = "mask"

    def degrading(self) -> Degradation:
        return self.degradation
