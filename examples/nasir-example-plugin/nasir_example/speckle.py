"""A noise: what is unknown of a degraded picture, and what a fit leaves out."""

import attrs
from attrs import validators as must

from nasir import setting
from nasir.core.degradation import Noise


@attrs.frozen
class Speckle(Noise):
    """Noise in proportion to the brightness: x + sigma x n, with n drawn from N(0, 1)."""

    sigma: float = setting(0.3, "standard deviation over brightness, > 0", must.gt(0))

    def observe(self, y, generator):
        import torch

        return y + self.sigma * y * torch.from_numpy(generator.standard_normal(y.shape, "float32"))
