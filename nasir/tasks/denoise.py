"""Removing noise."""

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
    import numpy as np
    from torch import Tensor

BRIGHTEST = 1e9
"""Photons at white, at most; float32 tells no more of them apart."""


@attrs.define(slots=False)
class Denoise(PictureTask):
    """Remove noise from photographs.

    The degraded picture y is made of the clean one x by `noise`. With gaussian, y = x + n with n
    drawn from N(0, (sigma / 255)^2), white. With poisson, y = k / peak with k drawn from
    Poisson(peak x), the photons that were counted. With camera, each photosite has noise of
    variance a L + b in linear light L, and what a camera does with it follows: demosaicing, tone
    curve, 8 bits (`nasir.tasks.camera`, after CBDNet, Guo et al. 2019).

    The default a = 1 / 100 is of a sensor that holds 100 electrons at white, and the default b
    goes with it as in the cameras that Brooks et al. (2019, section 3.1) fitted.

    The loss of a fit is the mean squared error to y (Deep Image Prior, equation 2 with A the
    identity). A picture gets the same noise in every trial, split and order: it depends on
    `seed` and on its name.

    With ``noisy = true``, `images` and `test_images` are noisy already and have no ground truth:
    the search is on carried photographs with `noise`, and yours are restored at the end.
    """

    noise: str = setting(
        "gaussian",
        "gaussian, poisson (photons) or camera (shot and read noise, demosaicing, 8 bits)",
        must.in_(("gaussian", "poisson", "camera")),
    )
    sigma: float = setting(
        25.0,
        "standard deviation, of 255, >= 0; for gaussian noise alone",
        [must.ge(0), must.lt(math.inf)],
    )
    clip: bool = setting(
        False, "whether noisy pictures are clipped to [0, 1]; those of a camera always are"
    )
    noisy: bool = setting(False, "another name of `degraded`")
    peak: float = setting(
        30.0,
        f"photons at white, in (0, {BRIGHTEST:g}]; for poisson noise alone",
        [must.gt(0), must.le(BRIGHTEST)],
    )
    shot: float = setting(
        0.01,
        "a of the variance a L + b, in light L of which white has 1, >= 0; for camera noise alone",
        [must.ge(0), must.lt(math.inf)],
    )
    read: float = setting(
        0.00015,
        "b of the variance a L + b, >= 0; for camera noise alone",
        [must.ge(0), must.lt(math.inf)],
    )

    def degrade(self, name: str, picture: Tensor) -> Sample:
        import numpy as np

        generator = np.random.default_rng(derived_seed(self.seed, "noise", name))
        noisy = self._observed(picture, generator)
        return Sample(name, noisy.clamp(0, 1) if self.clip else noisy, picture)

    @property
    def given_degraded(self) -> bool:
        return self.degraded or self.noisy

    def _observed(self, picture: Tensor, generator: np.random.Generator) -> Tensor:
        import torch

        from nasir.tasks.camera import photograph

        if self.noise == "camera":
            return photograph(picture, self.shot, self.read, generator)
        if self.noise == "poisson":
            photons = generator.poisson(self.peak * picture.double().numpy())
            return torch.from_numpy(photons / self.peak).float()
        noise = generator.standard_normal(picture.shape, dtype="float32")
        return picture + torch.from_numpy(noise) * (self.sigma / 255)
