"""Blur."""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import ForwardOperator, Size
from nasir.core.errors import PictureError
from nasir.settings.paths import one_file, whole_path

if TYPE_CHECKING:
    import numpy as np

    from nasir.tasks.physics.convolution import Convolution

BOUNDARIES = {"reflected": "mirrored", "periodic": "periodic", "valid": "mirrored"}
"""What is beyond the borders with each choice; with valid, what depends on it is not observed."""


@attrs.frozen(kw_only=True)
class Blur(ForwardOperator):
    """Convolution with a kernel that is known: y = k * x in each channel.

    A subclass has the kernel.
    """

    boundary: str = setting(
        "reflected",
        "what is beyond the borders: the picture reflected, periodic, or nothing: valid leaves "
        "pixels unobserved whose blur would depend on it",
        must.in_(tuple(BOUNDARIES)),
    )

    resizable = False

    @abstractmethod
    def kernel(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """k ``(h, w)``, with odd sides and the sum 1."""

    @property
    def reach(self) -> int:  # type: ignore[override]
        return max(self.kernel().shape) // 2

    @property
    def frame(self) -> int:  # type: ignore[override]
        return self.reach if self.boundary == "valid" else 0

    @property
    def borders(self) -> str:  # type: ignore[override]
        return BOUNDARIES[self.boundary]

    @property
    def leaves_out(self) -> bool:  # type: ignore[override]
        return self.boundary == "valid"

    def operator(self, size: Size, generator: np.random.Generator) -> Convolution:
        from nasir.tasks.physics.convolution import Convolution

        kernel = self.kernel()
        if kernel.shape[0] > size[0] or kernel.shape[1] > size[1]:
            raise PictureError(
                f"the blur kernel of {kernel.shape[0]} x {kernel.shape[1]} pixels is larger than "
                f"the picture of {size[0]} x {size[1]}: take a smaller kernel or larger pictures"
            )
        return Convolution(kernel, self.borders, size, self.boundary == "valid")


@attrs.frozen
class GaussianBlur(Blur):
    """Gaussian blur: k(i, j) proportional to exp(-(i^2 + j^2) / (2 width^2)), up to 4 widths."""

    width: float = setting(
        2.0, "standard deviation in pixels, in (0, 50]", [must.gt(0), must.le(50)]
    )

    def kernel(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        from nasir.tasks.physics.convolution import gaussian_kernel

        return gaussian_kernel(self.width)


@attrs.frozen
class MotionBlur(Blur):
    """Blur of a camera that moves along a line, as MATLAB's fspecial('motion')."""

    length: float = setting(9.0, "of the line in pixels, in [1, 200]", [must.ge(1), must.le(200)])
    angle: float = setting(
        0.0,
        "degrees from the horizontal, counter-clockwise, in [-180, 180]",
        [must.ge(-180), must.le(180)],
    )

    def kernel(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        from nasir.tasks.physics.convolution import motion_kernel

        return motion_kernel(self.length, self.angle)


@attrs.frozen
class KernelBlur(Blur):
    """Blur with the kernel in a picture file, in grey and divided by its sum."""

    file: str = setting(
        attrs.NOTHING,
        "a picture of the kernel, white where it is greatest and black where it is 0",
        converter=whole_path,
        files=one_file,
    )

    def kernel(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        return _read_kernel(self.file)


@lru_cache(maxsize=8)
def _read_kernel(file: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    from nasir.tasks.physics.convolution import odd_sided
    from nasir.tasks.pictures.reading import read_picture

    kernel = read_picture(Path(file)).mean(-1).astype("float64")
    if kernel.sum() == 0:
        raise PictureError(
            f"the blur kernel {file} is black: its sum is zero, so it keeps no light"
        )
    return odd_sided(kernel / kernel.sum())
