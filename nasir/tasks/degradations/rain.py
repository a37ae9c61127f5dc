"""Rain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nasir.core.component import setting
from nasir.core.degradation import Noise
from nasir.tasks.degradations.intervals import as_interval, drawn, within

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@attrs.frozen
class Rain(Noise):
    """Streaks of rain, which are drawn for each picture and patch.

    Streaks of one direction, as motion blur makes them of sparse noise, are over the picture by the
    blend `screen` (`nasir.tasks.physics.rain`). Each interval is drawn from uniformly.
    """

    density: tuple[float, ...] = setting(
        (0.003, 0.015), "streaks a pixel, least and greatest, in [0, 1]", within(0, 1), as_interval
    )
    length: tuple[float, ...] = setting(
        (10.0, 30.0),
        "of a streak in pixels, least and greatest, in [1, 200]",
        within(1, 200),
        as_interval,
    )
    angle: tuple[float, ...] = setting(
        (-30.0, 30.0),
        "degrees from the vertical, least and greatest, in [-90, 90]; positive: down to the right",
        within(-90, 90),
        as_interval,
    )
    width: tuple[float, ...] = setting(
        (1.0, 2.0),
        "of a streak in pixels, least and greatest, in [0.1, 20]",
        within(0.1, 20),
        as_interval,
    )
    intensity: tuple[float, ...] = setting(
        (0.3, 0.7),
        "light of the brightest streak, least and greatest, in [0, 1]",
        within(0, 1),
        as_interval,
    )

    def observe(self, y: Tensor, generator: np.random.Generator) -> Tensor:
        from nasir.tasks.physics.rain import Streaks, rainy

        streaks = Streaks(
            density=drawn(self.density, generator),
            length=drawn(self.length, generator),
            angle=drawn(self.angle, generator),
            width=drawn(self.width, generator),
            intensity=drawn(self.intensity, generator),
        )
        return rainy(y, streaks, generator)
