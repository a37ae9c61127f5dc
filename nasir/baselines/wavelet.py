"""Wavelet shrinkage."""

from __future__ import annotations

import attrs
from attrs import validators as must

from nasir.baselines.denoiser import Array, Denoiser
from nasir.core.component import setting
from nasir.core.errors import SettingsError, unknown_name


@attrs.define
class WaveletShrinkage(Denoiser):
    """Soft thresholds of the wavelet coefficients by BayesShrink (Chang, Yu and Vetterli 2000).

    The threshold of each subband is sigma^2 / sigma_x; the noise sigma is estimated from the finest
    subband. Colour pictures are converted to YCbCr. Needs PyWavelets.
    """

    wavelet: str = setting("db2", "wavelet's name in PyWavelets, such as db1, db2, sym8")
    levels: int | None = setting(
        None,
        "levels of the decomposition, >= 1; none: three less than the most possible",
        must.optional(must.ge(1)),
    )

    def denoise(self, picture: Array) -> Array:
        self._check_wavelet()
        from skimage.restoration import denoise_wavelet

        return denoise_wavelet(
            picture,
            wavelet=self.wavelet,
            wavelet_levels=self.levels,
            mode="soft",
            method="BayesShrink",
            convert2ycbcr=picture.shape[-1] == 3,
            rescale_sigma=True,
            channel_axis=-1,
        )

    def _check_wavelet(self) -> None:
        try:
            import pywt
        except ImportError:
            raise SettingsError("method=wavelet needs PyWavelets: pip install pywavelets") from None
        known = pywt.wavelist(kind="discrete")
        if self.wavelet not in known:
            raise unknown_name("method.wavelet", self.wavelet, known)
