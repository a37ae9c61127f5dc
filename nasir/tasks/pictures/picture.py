"""A picture that is read when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.errors import PictureError

if TYPE_CHECKING:
    from torch import Tensor

    from nasir.core.task import Sample

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""


@attrs.frozen(eq=False)
class Picture:
    """A picture by its name, in a file or in memory.

    `content` is a path, an array ``(H, W, C)`` in [0, 1], or a function that makes one; `half` says
    that the picture is the left or right half of that. `observed` is the same picture degraded,
    where that is given.
    """

    name: str
    content: Any
    half: str | None = None
    observed: Picture | None = None

    def read(self) -> Any:
        """The array ``(H, W, C)`` float32 in [0, 1], C = 1 or 3.

        Raises :class:`~nasir.core.errors.PictureError` for a file that cannot be read.
        """
        array = self._whole()
        if self.half is None:
            return array
        middle = array.shape[1] // 2
        return array[:, :middle] if self.half == "left" else array[:, middle:]

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels, from a file's header if that says them."""
        from nasir.tasks.pictures.reading import picture_shape

        if isinstance(self.content, Path):
            height, width, channels = picture_shape(self.content)
        else:
            height, width, channels = self._whole().shape
        if self.half is None:
            return height, width, channels
        if width % 2:
            raise PictureError(
                f"{self.content} is {width} pixels wide, so that it has no two equal halves"
            )
        return height, width // 2, channels

    def _whole(self) -> Any:
        """The array of both halves."""
        from nasir.tasks.pictures.reading import read_picture

        if isinstance(self.content, Path):
            return read_picture(self.content)
        return self.content() if callable(self.content) else self.content


def pictures_in(patterns: Sequence[str]) -> list[Picture]:
    """The pictures that files, folders or globs mean."""
    from nasir.tasks.pictures.reading import find_pictures

    return [Picture(path.stem, path) for path in find_pictures(patterns)]


def as_tensor(array: Any, channels: int) -> Tensor:
    """``(H, W, C)`` as ``(1, channels, H, W)``: colour by its luma, grey as equal channels."""
    import torch

    x = torch.from_numpy(array.copy()).permute(2, 0, 1)[None]
    if x.shape[1] > channels:
        return grey(x)
    return x.expand(-1, channels, -1, -1).contiguous()


def grey(x: Tensor) -> Tensor:
    """The luma ``(N, 1, H, W)`` of colours ``(N, 3, H, W)``, in the same range; grey unchanged."""
    if x.shape[1] == 1:
        return x
    return (x * x.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def with_channels(sample: Sample, channels: int) -> Sample:
    """A sample whose pictures have `channels`, those of a grey one being equal."""
    if sample.degraded.shape[1] >= channels:
        return sample
    degraded, clean = (
        None if x is None else x.expand(-1, channels, -1, -1).contiguous()
        for x in (sample.degraded, sample.clean)
    )
    assert degraded is not None
    return attrs.evolve(sample, degraded=degraded, clean=clean, grey=True)
