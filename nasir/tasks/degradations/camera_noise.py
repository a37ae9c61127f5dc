"""Shot and read noise of a camera, spread by its processing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Noise

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@attrs.frozen
class CameraNoise(Noise):
    """Noise of variance a L + b in linear light L at each photosite, and what a camera does next.

    Demosaicing, tone curve and rounding to 8 bits follow (CBDNet, Guo et al. 2019). The default
    a = 1 / 100 is of a sensor that holds 100 electrons at white; the default b goes with it as in
    the cameras that Brooks et al. (2019, section 3.1) fitted.
    """

    shot: float = setting(
        0.01,
        "a of the variance a L + b, in light L of which white has 1, >= 0",
        [must.ge(0), must.lt(math.inf)],
    )
    read: float = setting(
        0.00015, "b of the variance a L + b, >= 0", [must.ge(0), must.lt(math.inf)]
    )

    def observe(self, y: Tensor, generator: np.random.Generator) -> Tensor:
        from nasir.tasks.physics.camera import photograph

        return photograph(y.clamp(0, 1), self.shot, self.read, generator)
