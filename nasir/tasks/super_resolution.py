"""Enlarging pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Degradation
from nasir.core.errors import PictureError, SettingsError
from nasir.tasks.degradations.downsampling import Bicubic
from nasir.tasks.paired_task import PairedTask
from nasir.tasks.picture_task import SMALLEST, Pictures

if TYPE_CHECKING:
    from torch import Tensor

    from nasir.core.task import Sample

DIP_MULTIPLE, DIP_BORDER = 32, 4
"""Of Deep Image Prior: what divides the sides of its pictures, and the border it leaves out."""


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

    protocol: str = setting(
        "usual",
        "how clean pictures are cut, shrunk and compared: usual, or dip (Deep Image Prior): the "
        "middle, of sides that 32 divides, shrunk by Pillow's Lanczos filter to 8 bits whatever "
        "fits compare by, and a border of 4 pixels",
        must.in_(("usual", "dip")),
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
        if self.protocol == "dip" and DIP_MULTIPLE % self.scale:
            raise SettingsError(
                f"task.protocol=dip cuts pictures to multiples of {DIP_MULTIPLE}, which "
                f"scale={self.scale} does not divide: take 2, 4 or 8"
            )
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
        return "y", DIP_BORDER if self.protocol == "dip" else self.scale

    def degrade(self, name: str, picture: Tensor) -> Sample:
        if self.protocol == "usual":
            return super().degrade(name, picture)
        from nasir.tasks.physics.resampling import shrunk_by_pillow

        sides = picture.shape[-2:]
        if min(sides) < DIP_MULTIPLE:
            raise PictureError(
                f"{name} has {sides[0]} x {sides[1]} pixels: task.protocol=dip needs "
                f"{DIP_MULTIPLE} x {DIP_MULTIPLE}"
            )
        height, width = (side // DIP_MULTIPLE * DIP_MULTIPLE for side in sides)
        top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
        clean = picture[..., top : top + height, left : left + width].contiguous()
        small = self.take(name, shrunk_by_pillow(clean, self.scale))
        return attrs.evolve(small, clean=clean)

    @property
    def layout(self) -> str | None:
        return self.pairs

    def pairs_in(self, folder: str) -> Pictures:
        from nasir.tasks.pictures.pairs import div2k
        from nasir.tasks.pictures.picture import pictures_in

        if folder in self.test_images:
            return pictures_in([folder])
        return div2k(folder, self.scale)
