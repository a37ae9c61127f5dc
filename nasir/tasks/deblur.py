"""Removing blur."""

from __future__ import annotations

import attrs

from nasir.core.component import setting
from nasir.core.degradation import Degradation, ForwardOperator
from nasir.tasks.degradations.blur import GaussianBlur
from nasir.tasks.denoise import only_noise
from nasir.tasks.paired_task import PairedTask


@attrs.define(slots=False)
class Deblur(PairedTask):
    """Remove a blur that is known: y = k * x, or with noise y = k * x + n.

    ``task.blur=blur`` is Gaussian, ``motion_blur`` that of a moving camera, and ``kernel_blur`` has
    its kernel in the picture ``task.file``. A fit compares its output, blurred in the same way,
    with y (Deep Image Prior, equation 2 with A the blur). With ``task.boundary=valid`` it leaves
    out the borders, whose blur depends on what is not seen, and so do PSNR and SSIM.
    """

    blur: ForwardOperator = setting(
        GaussianBlur(), "blur (Gaussian), motion_blur or kernel_blur", open=True
    )
    noise: Degradation | None = setting(
        None, "gaussian or other noise that follows; none", open=True
    )

    def degrading(self) -> Degradation:
        return self.blur if self.noise is None else self.blur + only_noise(self.noise, "noise")
