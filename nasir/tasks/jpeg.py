"""Removing artefacts of compression."""

from __future__ import annotations

import attrs

from nasir.core.component import setting
from nasir.core.degradation import Degradation
from nasir.tasks.degradations.jpeg import Jpeg
from nasir.tasks.denoise import only_noise
from nasir.tasks.paired_task import PairedTask


@attrs.define(slots=False)
class JpegArtefacts(PairedTask):
    """Remove artefacts of JPEG compression of quality ``task.quality``.

    The degraded picture is the clean one as a real encoder codes it. A fit compares its output with
    the decoded picture by the mean squared error: compression is not differentiable. A JPEG file
    that is restored is taken as it is.
    """

    compression: Degradation = setting(
        Jpeg(), "jpeg, or what comes before it: gaussian+jpeg", open=True
    )

    def degrading(self) -> Degradation:
        return only_noise(self.compression, "compression")
