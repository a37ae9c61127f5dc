"""Photon noise made white and Gaussian, for denoisers of such noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

LEAST = 2 * (3 / 8) ** 0.5
"""The transformed value of no photon: below it the inverse is zero."""


@attrs.frozen
class Anscombe:
    """The generalised Anscombe transform of noise with the variance `slope` y + `offset`.

    With k = y / slope photons and s^2 = offset / slope^2 it is 2 sqrt(k + 3/8 + s^2), whose noise
    has a standard deviation of nearly 1 (Starck, Murtagh and Bijaoui 1998). It is divided by its
    value at white, or by more where `sigma`, the greatest level of noise that the denoiser takes,
    would be passed.
    """

    slope: float = attrs.field(validator=must.gt(0))
    offset: float = attrs.field(default=0.0, validator=must.ge(0))
    sigma: float = attrs.field(default=55 / 255, validator=must.gt(0))

    def __call__(self, denoise: Callable[[Tensor], Tensor], y: Tensor) -> Tensor:
        """`y` without its noise, by a denoiser of white Gaussian noise for values in [0, 1]."""
        scale = max(2 * (1 / self.slope + 3 / 8 + self._variance) ** 0.5, 1 / self.sigma)
        return self.inverse(denoise(self.forward(y) / scale) * scale)

    def forward(self, y: Tensor) -> Tensor:
        """Transform values in [0, 1]."""
        return 2 * (y / self.slope + 3 / 8 + self._variance).clamp(min=0).sqrt()

    def inverse(self, d: Tensor) -> Tensor:
        """The mean of y for the mean `d` of its transform.

        The closed form of the exact unbiased inverse (Makitalo and Foi 2011, equation 10; 2013 for
        added Gaussian noise). The algebraic one is too dark where photons are few.
        """
        d = d.clamp(min=LEAST)
        root = (3 / 2) ** 0.5
        k = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 1 / 8
        return self.slope * (k - self._variance).clamp(min=0)

    @property
    def _variance(self) -> float:
        """The variance of the added Gaussian noise, in photons."""
        return self.offset / self.slope**2
