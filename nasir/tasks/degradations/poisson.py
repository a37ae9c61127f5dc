"""Photon noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Noise

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

BRIGHTEST = 1e9
"""Photons at white, at most; float32 distinguishes no more of them."""


@attrs.frozen
class Poisson(Noise):
    """Photon noise: k / peak, with the counted photons k drawn from Poisson(peak y).

    With `peaks`, each patch to train on has one of them, and so have pictures that are kept for
    validation; pictures to test on have `peak`.
    """

    peak: float = setting(
        30.0,
        f"photons at white, in (0, {BRIGHTEST:g}]",
        [must.gt(0), must.le(BRIGHTEST)],
    )
    peaks: tuple[float, ...] = setting(
        (),
        "photons at white, one of which training draws for each patch; none: peak",
        must.deep_iterable(must.and_(must.gt(0), must.le(BRIGHTEST))),
        tuple,
    )
    clip: bool = setting(False, "whether noisy pictures are clipped to [0, 1]")

    def varied(self, generator: np.random.Generator) -> Poisson:
        if not self.peaks:
            return self
        return attrs.evolve(self, peak=float(generator.choice(self.peaks)))

    def degrade_batch(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        import torch

        peaks = torch.tensor(self.peaks or (self.peak,), device=clean.device)
        shape, device = (len(clean), 1, 1, 1), clean.device
        peak = peaks[torch.randint(len(peaks), shape, generator=generator, device=device)]
        noisy = torch.poisson(peak * clean.clamp(min=0), generator=generator) / peak
        return noisy.clamp(0, 1) if self.clip else noisy

    def variance(self) -> tuple[float, float]:
        return 1 / self.peak, 0.0

    def observe(self, y: Tensor, generator: np.random.Generator) -> Tensor:
        import torch

        photons = generator.poisson(self.peak * y.double().clamp(min=0).numpy())
        noisy = torch.from_numpy(photons / self.peak).float()
        return noisy.clamp(0, 1) if self.clip else noisy
