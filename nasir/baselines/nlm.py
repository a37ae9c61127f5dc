"""Non-local means."""

from __future__ import annotations

import attrs
from attrs import validators as must

from nasir.baselines.denoiser import Array, Denoiser
from nasir.core.component import setting


@attrs.define
class NonLocalMeans(Denoiser):
    """Each pixel becomes the mean of pixels whose surroundings look alike (Buades et al. 2005).

    A pixel at patch distance d^2 has the weight exp(-max(d^2 - 2 sigma^2, 0) / (h sigma)^2), with
    the noise sigma estimated from the picture unless given. By scikit-image's fast mode.
    """

    h: float = setting(0.6, "how much patches may differ, in sigmas, > 0", must.gt(0))
    patch: int = setting(5, "side of a patch in pixels, >= 1", must.ge(1))
    distance: int = setting(6, "how far away patches are searched, in pixels, >= 1", must.ge(1))
    sigma: float | None = setting(
        None,
        "standard deviation of the noise, of 255, > 0; none: estimated from the picture",
        must.optional(must.gt(0)),
    )

    def denoise(self, picture: Array) -> Array:
        from skimage.restoration import denoise_nl_means

        from nasir.kernels.noise_level import noise_level

        sigma = noise_level(picture) if self.sigma is None else self.sigma / 255
        if sigma == 0:
            return picture
        return denoise_nl_means(
            picture,
            patch_size=self.patch,
            patch_distance=self.distance,
            h=self.h * sigma,
            sigma=sigma,
            fast_mode=True,
            preserve_range=True,
            channel_axis=-1,
        )
