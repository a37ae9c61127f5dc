"""Block matching and 3D filtering."""

from __future__ import annotations

import attrs
from attrs import validators as must

from nasir.baselines.denoiser import Array, Denoiser
from nasir.core.component import setting
from nasir.core.errors import SettingsError


@attrs.define
class Bm3d(Denoiser):
    """Collaborative filtering of similar blocks (BM3D, Dabov et al. 2007; CBM3D in colour).

    By the authors' package bm3d, whose licence is for non-commercial use alone; it is no part of
    nasir, and this method is refused where it is not installed. The noise sigma is
    estimated from the flat parts of the picture unless given.
    """

    sigma: float | None = setting(
        None,
        "standard deviation of the noise, of 255, > 0; none: estimated from the picture",
        must.optional(must.gt(0)),
    )

    def denoise(self, picture: Array) -> Array:
        try:
            import bm3d
        except ImportError:
            raise SettingsError(
                "method=bm3d needs its authors' package, which is licensed for non-commercial use "
                "alone: pip install 'nasir[bm3d]'"
            ) from None
        from nasir.baselines.noise_estimate import noise_estimate

        sigma = noise_estimate(picture).sigma if self.sigma is None else self.sigma / 255
        if sigma == 0:
            return picture
        if picture.shape[-1] == 1:
            return bm3d.bm3d(picture[..., 0], sigma)
        return bm3d.bm3d_rgb(picture, sigma)
