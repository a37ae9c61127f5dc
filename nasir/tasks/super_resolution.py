"""Enlarging pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.search_space import Signature
from nasir.core.task import Sample
from nasir.tasks.picture_task import SMALLEST, PictureTask

if TYPE_CHECKING:
    from torch import Tensor


@attrs.define(slots=False)
class SuperResolution(PictureTask):
    """Enlarge pictures by an integer factor.

    The degraded picture is the clean one after downsampling; a fit compares its output, brought
    down in the same way, with it (Deep Image Prior, equation 2 with A the downsampling). PSNR
    and SSIM are of the luma without a border of `scale` pixels, as is usual. Clean pictures are
    cut to a multiple of `scale`; `size` is in the pixels of the pictures that are given.
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

    def degrade(self, name: str, picture: Tensor) -> Sample:
        height, width = (size // self.scale * self.scale for size in picture.shape[-2:])
        picture = picture[..., :height, :width].contiguous()
        operator = self._operator()
        return Sample(name, operator(picture), picture, operator)

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
