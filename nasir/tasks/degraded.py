"""Undoing any degradation."""

from __future__ import annotations

import attrs

from nasir.core.component import setting
from nasir.core.degradation import Degradation
from nasir.tasks.degradations.gaussian import Gaussian
from nasir.tasks.paired_task import PairedTask


@attrs.define(slots=False)
class Degraded(PairedTask):
    """Undo any degradation, noise(A(x)): ``task=degraded task.degradation=blur+bicubic+gaussian``.

    Forward operators A come first, in the order in which they happen, then noise. A fit compares
    A(output) with the degraded picture (Deep Image Prior, equation 2).
    """

    degradation: Degradation = setting(
        Gaussian(), "what degrades: one degradation, or several joined with +", open=True
    )

    def degrading(self) -> Degradation:
        return self.degradation
