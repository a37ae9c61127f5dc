"""Missing pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import ForwardOperator, Size
from nasir.core.errors import PictureError, SettingsError
from nasir.settings.paths import one_file, whole_path

if TYPE_CHECKING:
    import numpy as np

    from nasir.tasks.physics.masking import Masking

NEARLY = 12.5 / 255
"""What differs from black or white by less is black or white."""

MOST = 0.5
"""The share of a picture beyond which a hole is unusual."""


@attrs.frozen
class Mask(ForwardOperator):
    """Missing pixels: the picture times a mask of 0 and 1 (Deep Image Prior, equation 4).

    The mask is drawn for each picture, each pixel missing with probability `missing`, or is the
    picture `mask`, white where pixels are there. A fit uses the pixels that are there. Grey in the
    picture `mask` is how far a pixel is known: it weighs less in a fit, and is blended with what
    fills it in. What is nearly black or white is meant to be so.
    """

    missing: float = setting(
        0.5, "probability that a pixel is missing, in (0, 1)", [must.gt(0), must.lt(1)]
    )
    mask: str | None = setting(
        None,
        "a picture as large as the pictures, black where pixels are missing; none: drawn",
        converter=whole_path,
        files=one_file,
    )

    leaves_out = True

    @property
    def unknown(self) -> str | None:  # type: ignore[override]
        if self.mask is not None:
            return None
        return "which pixels are missing: task.mask=FILE, a picture that is black there"

    def varied(self, generator: np.random.Generator) -> Mask:
        if self.mask is not None:
            raise SettingsError(
                "networks are trained with masks that are drawn: leave task.mask out, and set "
                "task.missing"
            )
        return self

    def elsewhere(self) -> Mask:
        return attrs.evolve(self, mask=None)

    def remarks(self) -> Sequence[str]:
        """How much of the picture `mask` is missing: one that is inverted shows in that."""
        if self.mask is None:
            return ()
        from nasir.tasks.pictures.reading import read_picture

        there = _snapped(read_picture(Path(self.mask)).mean(-1))
        hole, grey = (there == 0).mean(), ((there > 0) & (there < 1)).mean()
        words = f"{_percent(hole)} of {Path(self.mask).name} is black and filled in"
        if grey:
            words += f", {_percent(grey)} is grey: known in part, and blended"
        if hole > MOST:
            words += "; is it inverted? White is where pixels are there"
        return (words,)

    def check(self, size: Size) -> None:
        if self.mask is None:
            return
        from nasir.tasks.pictures.reading import picture_shape

        height, width, _ = picture_shape(Path(self.mask))
        if (height, width) != size:
            raise PictureError(
                f"the mask {self.mask} has {height} x {width} pixels and the picture {size[0]} x "
                f"{size[1]}: give a mask of the same size"
            )

    def operator(self, size: Size, generator: np.random.Generator) -> Masking:
        """A drawn mask, or the middle of the mask's picture."""
        import torch

        from nasir.tasks.physics.masking import Masking

        there: Any = (
            generator.random(size) >= self.missing if self.mask is None else self._read(size)
        )
        return Masking(torch.from_numpy(there.astype("float32"))[None, None])

    def _read(self, size: Size) -> np.ndarray:
        from nasir.tasks.pictures.reading import read_picture

        assert self.mask is not None
        whole = _snapped(read_picture(Path(self.mask)).mean(-1))
        top, left = ((have - want) // 2 for have, want in zip(whole.shape, size, strict=True))
        there: np.ndarray = whole[max(0, top) :, max(0, left) :][: size[0], : size[1]]
        if there.shape != size:
            self.check(size)
        if not (there == 1).any():
            raise PictureError(
                f"the mask {self.mask} is black everywhere, or grey, so that no pixel is there: it "
                "must be white where pixels are there (task.size cuts to the middle)"
            )
        if (there == 1).all():
            raise PictureError(
                f"the mask {self.mask} is white everywhere, so that there is no hole to fill in: "
                "it must be black where pixels are missing (task.size cuts to the middle)"
            )
        return there


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.4g} %"


def _snapped(mask: np.ndarray) -> np.ndarray:
    """A mask in [0, 1] without the ripples that JPEG leaves around black and white."""
    import numpy as np

    return np.where(mask < NEARLY, 0, np.where(mask > 1 - NEARLY, 1, mask))
