"""Photon noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Noise

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

BRIGHTEST = 1e9
"""Photons at white, at most; float32 distinguishes no more of them."""


@attrs.frozen
class Poisson(Noise):
    """Photon noise: k / peak, with the counted photons k drawn from Poisson(peak y)."""

    peak: float = setting(
        30.0,
        f"photons at white, in (0, {BRIGHTEST:g}]",
        [must.gt(0), must.le(BRIGHTEST)],
    )
    clip: bool = setting(False, "whether noisy pictures are clipped to [0, 1]")

    def observe(self, y: Tensor, generator: np.random.Generator) -> Tensor:
        import torch

        photons = generator.poisson(self.peak * y.double().clamp(min=0).numpy())
        noisy = torch.from_numpy(photons / self.peak).float()
        return noisy.clamp(0, 1) if self.clip else noisy
