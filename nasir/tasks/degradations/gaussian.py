"""White Gaussian noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Noise

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor


@attrs.frozen
class Gaussian(Noise):
    """White Gaussian noise: y + n, with n drawn from N(0, (sigma / 255)^2).

    With `sigmas`, each patch to train on has one of these levels, and so have pictures that are
    kept for validation; pictures to test on have `sigma`.
    """

    sigma: float = setting(
        25.0, "standard deviation, of 255, >= 0", [must.ge(0), must.lt(math.inf)]
    )
    sigmas: tuple[float, ...] = setting(
        (),
        "standard deviations, of 255, >= 0, one of which training draws for each patch; none: "
        "sigma",
        must.deep_iterable(must.and_(must.ge(0), must.lt(math.inf))),
        tuple,
    )
    clip: bool = setting(False, "whether noisy pictures are clipped to [0, 1]")

    def varied(self, generator: np.random.Generator) -> Gaussian:
        if not self.sigmas:
            return self
        return attrs.evolve(self, sigma=float(generator.choice(self.sigmas)))

    def degrade_batch(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        import torch

        levels = torch.tensor(self.sigmas or (self.sigma,), device=clean.device) / 255
        shape, device = (len(clean), 1, 1, 1), clean.device
        drawn = torch.randint(len(levels), shape, generator=generator, device=device)
        noise = torch.randn(clean.shape, generator=generator, device=device)
        noisy = clean + levels[drawn] * noise
        return noisy.clamp(0, 1) if self.clip else noisy

    def variance(self) -> tuple[float, float]:
        return 0.0, (self.sigma / 255) ** 2

    def observe(self, y: Tensor, generator: np.random.Generator) -> Tensor:
        import torch

        noise = generator.standard_normal(y.shape, dtype="float32")
        noisy = y + torch.from_numpy(noise) * (self.sigma / 255)
        return noisy.clamp(0, 1) if self.clip else noisy
