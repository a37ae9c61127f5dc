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
        import numpy as np

        if picture.shape[-1] == 1:
            return self._channel(picture[..., 0])[..., None]
        from skimage.color import rgb2ycbcr, ycbcr2rgb

        channels = np.moveaxis(rgb2ycbcr(picture), -1, 0)
        denoised = [self._scaled(channel) for channel in channels]
        return ycbcr2rgb(np.stack(denoised, axis=-1))

    def _scaled(self, channel: Array) -> Array:
        """A channel ``(H, W)`` that was denoised in the range from 0 to 1."""
        least, most = channel.min(), channel.max()
        if least == most:
            return channel
        return least + (most - least) * self._channel((channel - least) / (most - least))

    def _channel(self, channel: Array) -> Array:
        """A channel ``(H, W)`` in [0, 1], denoised; one colour has no noise to be estimated."""
        from skimage.restoration import denoise_wavelet

        if channel.min() == channel.max():
            return channel
        return denoise_wavelet(
            channel,
            wavelet=self.wavelet,
            wavelet_levels=self.levels,
            mode="soft",
            method="BayesShrink",
            rescale_sigma=True,
        )

    def _check_wavelet(self) -> None:
        try:
            import pywt
        except ImportError:
            raise SettingsError("method=wavelet needs PyWavelets: pip install pywavelets") from None
        known = pywt.wavelist(kind="discrete")
        if self.wavelet not in known:
            raise unknown_name("method.wavelet", self.wavelet, known)
