"""Enlarging pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.search_space import Signature
from nasir.core.task import Sample
from nasir.tasks.paired_task import PairedTask
from nasir.tasks.picture import Picture
from nasir.tasks.picture_task import SMALLEST, Pictures, pictures_of

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from nasir.tasks.picture_patches import Planes


@attrs.define(slots=False)
class SuperResolution(PairedTask):
    """Enlarge pictures by an integer factor.

    The degraded picture is the clean one after downsampling; a fit compares its output, brought
    down in the same way, with it (Deep Image Prior, equation 2 with A the downsampling). PSNR
    and SSIM are of the luma without a border of `scale` pixels, as is usual. Clean pictures are
    cut to a multiple of `scale`; `size` is in the pixels of the pictures that are given.

    Patches to train on are cut alike out of whole pictures of both sizes. With ``pairs = "div2k"``
    ``task.images=FOLDER`` has ``DIV2K_train_HR``, ``DIV2K_train_LR_bicubic/X2/0001x2.png`` and the
    same with ``valid`` to test on, where no `test_images` are given; these are clean pictures.
    """

    scale: int = setting(4, "factor of enlargement", must.in_((2, 3, 4, 8)))
    downsampling: str = setting(
        "bicubic",
        "kernel: bicubic (as MATLAB's imresize) or lanczos2 (as Deep Image Prior)",
        must.in_(("bicubic", "lanczos2")),
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
        if self.size % self.scale or (self.size != 0 and self.size < SMALLEST):
            low = max(SMALLEST, self.size) // self.scale * self.scale
            raise ValueError(
                f"size={self.size} must be 0 or a multiple of scale={self.scale} from {SMALLEST}, "
                f"such as {low + self.scale}"
            )

    @property
    def usual_protocol(self) -> tuple[str, int]:
        return "y", self.scale

    @property
    def signature(self) -> Signature:
        """From the degraded picture to one `scale` times as large."""
        return attrs.evolve(super().signature, scale=self.scale)

    @property
    def factor(self) -> int:
        return self.scale

    @property
    def layout(self) -> str | None:
        return self.pairs

    def pairs_in(self, folder: str) -> Pictures:
        from nasir.tasks.pairs import div2k

        if folder in self.test_images:
            return pictures_of([folder])
        return div2k(folder, self.scale)

    def observe(self, clean: Tensor, generator: np.random.Generator) -> Tensor:
        return self._operator()(clean)

    def degrade(self, name: str, picture: Tensor) -> Sample:
        height, width = (size // self.scale * self.scale for size in picture.shape[-2:])
        picture = picture[..., :height, :width].contiguous()
        operator = self._operator()
        return Sample(name, operator(picture), picture, operator)

    def observe_part(self, plane: Any, top: int, left: int, side: int) -> Any:
        """A small patch as it is in the whole small picture, from what is around it."""
        from nasir.tasks.resampling import shrunk_part

        return shrunk_part(plane, top, left, side, self.scale, self.downsampling) / 255

    def planes(self, picture: Picture, channels: int) -> Planes:
        clean, degraded = super().planes(picture, channels)
        height, width = (size // self.scale * self.scale for size in clean.shape[-2:])
        return clean[:, :height, :width], degraded

    def take(self, name: str, picture: Tensor) -> Sample:
        return Sample(name, picture, None, self._operator())

    def unrestored(self, sample: Sample) -> Tensor:
        """The picture enlarged by bicubic interpolation."""
        from nasir.tasks.resampling import resized

        height, width = sample.degraded.shape[-2:]
        return resized(sample.degraded, self.scale * height, self.scale * width)

    def _operator(self) -> Any:
        from nasir.tasks.resampling import Downsampling

        return Downsampling(self.scale, self.downsampling)
