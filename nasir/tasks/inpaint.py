"""Filling in missing pixels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import PictureError, SettingsError
from nasir.core.task import Sample
from nasir.tasks.paired_task import PairedTask
from nasir.tasks.picture_task import Pictures

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


def _whole_path(path: str | None) -> str | None:
    return path and os.path.abspath(os.path.expanduser(path))


@attrs.define(slots=False)
class Inpaint(PairedTask):
    """Fill in missing pixels.

    The degraded picture is the clean one times a mask of 0 and 1, and a fit looks at the pixels
    that are there (Deep Image Prior, equation 4). The mask is drawn for each picture, each pixel
    missing with probability `missing`, or is the picture `mask`, white where pixels are there.
    """

    missing: float = setting(
        0.5, "probability that a pixel is missing, in (0, 1)", [must.gt(0), must.lt(1)]
    )
    mask: str | None = setting(
        None,
        "a picture as large as the pictures, black where pixels are missing; none: drawn",
        converter=_whole_path,
    )

    degradation: ClassVar[str] = "mask"

    _whole_sizes: dict[str, tuple[int, int]] = attrs.field(
        init=False, factory=dict, eq=False, repr=False
    )

    def __attrs_post_init__(self) -> None:
        if self.degraded and self.mask is None:
            raise SettingsError(
                "task.degraded=true wants to know which pixels are missing: task.mask=FILE, a "
                "picture that is black there"
            )

    def degrade(self, name: str, picture: Tensor) -> Sample:
        drawn = self.mask is None or self.degraded  # of a carried photograph to search on
        mask = self._mask(picture, self.drawn(name)) if drawn else self._read_mask(name)
        return Sample(name, picture * mask, picture, mask=mask)

    def observe(self, clean: Tensor, generator: np.random.Generator) -> Tensor:
        return clean * self._mask(clean, generator)

    def training(self) -> Pictures:
        if self.mask is not None and not self.degraded:
            raise SettingsError(
                "networks are trained with masks that are drawn: leave task.mask out, and set "
                "task.missing"
            )
        return super().training()

    def take(self, name: str, picture: Tensor) -> Sample:
        mask = self._read_mask(name)
        return Sample(name, picture * mask, mask=mask)

    def _prepared(self, name: str, array: Any, channels: int) -> Tensor:
        self._whole_sizes[name] = array.shape[:2]
        return super()._prepared(name, array, channels)

    def _mask(self, picture: Tensor, generator: np.random.Generator) -> Tensor:
        import numpy as np
        import torch

        kept = generator.random(picture.shape[-2:]) >= self.missing
        return torch.from_numpy(kept.astype(np.float32))[None, None]

    def _read_mask(self, name: str) -> Tensor:
        """The mask picture, cut to the part that was taken of the picture called `name`."""
        from nasir.tasks.pictures import read_picture

        assert self.mask is not None
        content = read_picture(Path(self.mask)).mean(-1, keepdims=True)
        if content.shape[:2] != self._whole_sizes[name]:
            height, width = self._whole_sizes[name]
            raise PictureError(
                f"the mask {self.mask} has {content.shape[0]} x {content.shape[1]} pixels and "
                f"{name} has {height} x {width}: give a mask of the same size"
            )
        mask = super()._prepared(self.mask, (content >= 0.5).astype("float32"), 1)
        if not mask.any():
            raise PictureError(
                f"the mask {self.mask} is black everywhere, so that no pixel is there: it must be "
                "white where pixels are there (task.size cuts to the middle)"
            )
        return mask
