"""Removing noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.task import Sample
from nasir.tasks.paired_task import PairedTask
from nasir.tasks.picture import Picture, as_tensor

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

BRIGHTEST = 1e9
"""Photons at white, at most; float32 tells no more of them apart."""


@attrs.define(slots=False)
class Denoise(PairedTask):
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

    Patches to train on have noise of their own each, of one of `sigmas` where these are given;
    so have pictures that are kept for validation. Pictures to test on have `sigma`.
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
    sigmas: tuple[float, ...] = setting(
        (),
        "standard deviations, of 255, >= 0, one of which training draws for each patch; none: "
        "sigma; for gaussian noise alone",
        must.deep_iterable(must.and_(must.ge(0), must.lt(math.inf))),
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

    picture_settings = PairedTask.picture_settings | {"noisy"}

    def degrade(self, name: str, picture: Tensor) -> Sample:
        return self._noisy(name, picture, self.sigma, self.drawn(name))

    def observe(self, clean: Tensor, generator: np.random.Generator) -> Tensor:
        return self._clipped(self._observed(clean, self._level(generator), generator))

    def whole(self, picture: Picture, channels: int) -> Sample:
        generator = self.drawn(picture.name)
        clean = as_tensor(picture.read(), channels)
        return self._noisy(picture.name, clean, self._level(generator), generator)

    @property
    def given_degraded(self) -> bool:
        return self.degraded or self.noisy

    def _level(self, generator: np.random.Generator) -> float:
        """The noise level that training takes."""
        return float(generator.choice(self.sigmas)) if self.sigmas else self.sigma

    def _noisy(
        self, name: str, clean: Tensor, sigma: float, generator: np.random.Generator
    ) -> Sample:
        return Sample(name, self._clipped(self._observed(clean, sigma, generator)), clean)

    def _clipped(self, noisy: Tensor) -> Tensor:
        return noisy.clamp(0, 1) if self.clip else noisy

    def _observed(self, picture: Tensor, sigma: float, generator: np.random.Generator) -> Tensor:
        import torch

        from nasir.tasks.camera import photograph

        if self.noise == "camera":
            return photograph(picture, self.shot, self.read, generator)
        if self.noise == "poisson":
            photons = generator.poisson(self.peak * picture.double().numpy())
            return torch.from_numpy(photons / self.peak).float()
        noise = generator.standard_normal(picture.shape, dtype="float32")
        return picture + torch.from_numpy(noise) * (sigma / 255)
