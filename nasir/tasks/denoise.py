"""Removing Gaussian noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample
from nasir.tasks.picture_task import PictureTask

if TYPE_CHECKING:
    from torch import Tensor


@attrs.define(slots=False)
class Denoise(PictureTask):
    """Remove white Gaussian noise from photographs.

    The degraded picture is y = x + n with n drawn from N(0, (sigma / 255)^2); the loss of a fit
    is the mean squared error to y (Deep Image Prior, equation 2 with A the identity). A picture
    gets the same noise in every trial, split and order: it depends on `seed` and on its name.

    With ``noisy = true``, `images` and `test_images` are noisy already and have no ground truth:
    the search is on carried photographs with noise of `sigma`, and yours are restored at the end.
    """

    sigma: float = setting(
        25.0, "standard deviation of the noise, of 255, >= 0", [must.ge(0), must.lt(math.inf)]
    )
    clip: bool = setting(False, "whether noisy pictures are clipped to [0, 1]")
    noisy: bool = setting(False, "another name of `degraded`")

    def degrade(self, name: str, picture: Tensor) -> Sample:
        import numpy as np
        import torch

        generator = np.random.default_rng(derived_seed(self.seed, "noise", name))
        noise = generator.standard_normal(picture.shape, dtype=np.float32)
        noisy = picture + torch.from_numpy(noise) * (self.sigma / 255)
        return Sample(name, noisy.clamp(0, 1) if self.clip else noisy, picture)

    @property
    def given_degraded(self) -> bool:
        return self.degraded or self.noisy
