"""Enlarging pictures."""

from __future__ import annotations

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Degradation
from nasir.core.errors import SettingsError
from nasir.tasks.degradations.downsampling import Bicubic
from nasir.tasks.paired_task import PairedTask
from nasir.tasks.picture_task import SMALLEST, Pictures


@attrs.define(slots=False)
class SuperResolution(PairedTask):
    """Enlarge pictures by an integer factor, ``task.scale``.

    The degraded picture is the clean one after downsampling; a fit compares its output, brought
    down in the same way, with it (Deep Image Prior, equation 2 with A the downsampling). PSNR
    and SSIM are of the luma without a border of `scale` pixels, as is usual. Clean pictures are
    cut to a multiple of `scale`; `size` is in the pixels of the pictures that are given.

    Patches to train on are cut alike out of whole pictures of both sizes. With ``pairs = "div2k"``
    ``task.images=FOLDER`` has ``DIV2K_train_HR``, ``DIV2K_train_LR_bicubic/X2/0001x2.png`` and the
    same with ``valid`` to test on, where no `test_images` are given; these are clean pictures.
    """

    downsampling: Degradation = setting(
        Bicubic(),
        "bicubic (as MATLAB's imresize) or lanczos2 (as Deep Image Prior); with more: "
        "blur+bicubic, bicubic+gaussian",
        open=True,
    )
    size: int = setting(
        96,
        f"longest side in pixels, a multiple of `scale`, >= {SMALLEST}: larger pictures are cut to "
        "their middle; 0: never",
    )

    pairs: str | None = setting(
        None,
        "layout of given pairs: div2k, with the small pictures of its authors; none: small "
        "pictures are made",
        must.optional(must.in_(("div2k",))),
    )

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.scale == 1:
            raise SettingsError("task.downsampling makes no picture smaller: take bicubic")
        if self.size % self.scale or (self.size != 0 and self.size < SMALLEST):
            low = max(SMALLEST, self.size) // self.scale * self.scale
            raise ValueError(
                f"size={self.size} must be 0 or a multiple of scale={self.scale} from {SMALLEST}, "
                f"such as {low + self.scale}"
            )

    @property
    def scale(self) -> int:
        """The factor of enlargement."""
        return self.downsampling.scale

    def degrading(self) -> Degradation:
        return self.downsampling

    @property
    def usual_protocol(self) -> tuple[str, int]:
        return "y", self.scale

    @property
    def layout(self) -> str | None:
        return self.pairs

    def pairs_in(self, folder: str) -> Pictures:
        from nasir.tasks.pictures.pairs import div2k

        if folder in self.test_images:
            return self.files([folder])
        return div2k(folder, self.scale)
