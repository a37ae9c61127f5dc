"""The proxies of ISNAS-DIP: power spectra of an untrained network's output (section 3).

The paper finds that networks restore a picture better if the spectrum of their first output
resembles the picture's. Smaller values are better.
"""

from __future__ import annotations

import math
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.proxy import Probe, Proxy


@attrs.define
class PsdDbMse(Proxy):
    """PSD DB MSE, equation 1: the mean squared difference of the spectra in decibels, dB^2."""

    logarithm: str = setting(
        "10", "decibels are 10 times this logarithm: to base 10 or e", must.in_(("10", "e"))
    )

    def value(self, probe: Probe) -> float:
        import numpy as np

        from nasir.proxies import spectrum

        difference = np.log(spectrum.of_output(probe)) - np.log(spectrum.of_picture(probe))
        unit = 10 / math.log(10) if self.logarithm == "10" else 10.0
        return float(np.mean((unit * self._counted(difference)) ** 2))

    def _counted(self, spectra: Any) -> Any:
        """The entries of ``(C, H, W)`` that the mean is over."""
        return spectra


@attrs.define
class PsdDbStripMse(PsdDbMse):
    """PSD DB Strip MSE, equation 2: PSD DB MSE within a ring of low frequencies, dB^2."""

    def _counted(self, spectra: Any) -> Any:
        from nasir.proxies import spectrum

        return spectra[..., spectrum.strip(*spectra.shape[-2:])]


@attrs.define
class PsdStripHistEmd(Proxy):
    """PSD Strip Hist EMD, section 3.1.3: earth mover's distance of histograms within the ring.

    The paper has 75 bins over 0 to 1, without a unit. Here the spectra are divided by the greatest
    entry of the picture's ring; greater values fall into the last bin. The distance is along the
    bins' centres.
    """

    bins: int = setting(75, "bins of the histograms, >= 2", must.ge(2))

    def value(self, probe: Probe) -> float:
        import numpy as np
        from scipy.stats import wasserstein_distance

        output, picture = _in_ring(probe)
        centres = (np.arange(self.bins) + 0.5) / self.bins
        counts = [
            np.histogram(np.minimum(x / picture.max(), 1), bins=self.bins, range=(0, 1))[0]
            for x in (output, picture)
        ]
        return float(wasserstein_distance(centres, centres, *counts))


@attrs.define
class Bandwidth99(Proxy):
    """99 % bandwidth, section 3.2.1: the radius of the circle that holds 99 % of the power.

    Relative to the largest of 99 circles, whose diameter is the diagonal of the spectrum. It does
    not depend on the picture.
    """

    def value(self, probe: Probe) -> float:
        import numpy as np

        from nasir.proxies import spectrum

        power = spectrum.of_output(probe).mean(0)
        rho = spectrum.radius(*power.shape)
        radii = np.linspace(0, math.sqrt(0.5), spectrum.CIRCLES + 1)
        order = np.argsort(rho, axis=None)
        inside = np.searchsorted(rho.flat[order], radii, side="right")
        shares = np.concatenate([[0.0], power.flat[order].cumsum()])[inside] / power.sum()
        circles = np.arange(spectrum.CIRCLES + 1)
        return float(np.interp(0.99, shares, circles) / spectrum.CIRCLES)


@attrs.define
class PsdDbMseOfProgram(PsdDbMse):
    """PSD DB MSE of the published program: with natural logarithms."""

    logarithm: str = setting("e", "as in psd_db_mse", must.in_(("10", "e")))


@attrs.define
class PsdDbStripMseOfProgram(PsdDbStripMse):
    """PSD DB Strip MSE of the published program: with natural logarithms."""

    logarithm: str = setting("e", "as in psd_db_strip_mse", must.in_(("10", "e")))


@attrs.define
class PsdStripHistEmdOfProgram(Proxy):
    """PSD Strip Hist EMD of the published program.

    Each histogram is a density over its own range; the distance is between the bins' heights, taken
    as samples.
    """

    bins: int = setting(100, "bins of the histograms, >= 2", must.ge(2))

    def value(self, probe: Probe) -> float:
        import numpy as np
        from scipy.stats import wasserstein_distance

        heights = [np.histogram(x, bins=self.bins, density=True)[0] for x in _in_ring(probe)]
        return float(wasserstein_distance(*heights))


def _in_ring(probe: Probe) -> tuple[Any, Any]:
    """The entries of the output's and of the picture's spectrum within the ring, flat."""
    from nasir.proxies import spectrum

    spectra = (spectrum.of_output(probe), spectrum.of_picture(probe))
    output, picture = (x[..., spectrum.strip(*x.shape[-2:])].ravel() for x in spectra)
    return output, picture
