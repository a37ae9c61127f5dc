"""The base class of classical denoisers."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from nasir.core.errors import SettingsError
from nasir.core.method import Method
from nasir.core.task import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor

Array = Any
"""A picture ``(H, W, C)`` float32, nominally in [0, 1]."""


class Denoiser(Method):
    """Removes noise from the degraded picture at its full size.

    In super-resolution that is the bicubic enlargement. A picture with missing pixels is refused.
    """

    local = True

    @abstractmethod
    def denoise(self, picture: Array) -> Array:
        """`picture` without its noise, both ``(H, W, C)``."""

    def restore(self, sample: Sample, task: Task) -> Tensor:
        if sample.mask is not None:
            raise SettingsError(
                f"{sample.name} has missing pixels, which a {type(self).__name__} would take for "
                "black: take method=biharmonic"
            )
        picture = as_array(task.unrestored(sample))
        # some functions of scikit-image drop a single channel
        return as_tensor(self.denoise(picture).reshape(picture.shape))


def as_array(picture: Tensor) -> Array:
    """``(1, C, H, W)`` to ``(H, W, C)``."""
    return picture[0].permute(1, 2, 0).cpu().numpy()


def as_tensor(picture: Array) -> Tensor:
    """``(H, W, C)`` to ``(1, C, H, W)`` float32."""
    import numpy as np
    import torch

    content = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)
    return torch.from_numpy(content)[None]
