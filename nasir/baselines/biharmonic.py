"""Biharmonic inpainting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nasir.baselines.denoiser import as_array, as_tensor
from nasir.core.method import Method
from nasir.core.task import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor


@attrs.define
class Biharmonic(Method):
    """Fills missing pixels with a surface whose bilaplacian is zero there.

    Damelin and Hoang (2018), by scikit-image, channel by channel. Observed pixels do not change;
    filled ones lie between the least and the greatest of these. Where the mask is between 0 and 1,
    what was observed and what is filled in are blended.
    """

    def restore(self, sample: Sample, task: Task) -> Tensor:
        from nasir.kernels.filling import fill_around

        def fill(picture: Tensor, known: Tensor) -> Tensor:
            from skimage.restoration import inpaint_biharmonic

            missing = ~as_array(known)[..., 0]
            return as_tensor(inpaint_biharmonic(as_array(picture), missing, channel_axis=-1))

        return fill_around(sample, "biharmonic", lambda hole: (slice(None), slice(None)), fill)
