"""Biharmonic inpainting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nasir.baselines.denoiser import as_array, as_tensor
from nasir.core.errors import SettingsError
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
        import torch
        from skimage.restoration import inpaint_biharmonic

        if sample.mask is None:
            raise SettingsError(
                f"method=biharmonic fills in missing pixels, and {sample.name} has none: take "
                "task=inpaint, or another method (nasir list methods)"
            )
        missing = as_array(sample.mask)[..., 0] < 1
        filled = inpaint_biharmonic(as_array(sample.degraded), missing, channel_axis=-1)
        return torch.lerp(as_tensor(filled), sample.degraded.cpu(), sample.mask.cpu())
