"""What a camera adds to a photograph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Noise
from nasir.tasks.degradations.intervals import as_interval, drawn, drawn_log, within

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

RED, BLUE = (1.9, 2.4), (1.5, 1.9)
"""Gains of white balance (Brooks et al. 2019, "Unprocessing", section 3.3)."""


@attrs.frozen
class RealCamera(Noise):
    """A camera that is simulated for each picture and patch.

    White balance, mosaic, noise of variance a L + b in linear light L, demosaicing, tone curve,
    smoothed chroma, 8 bits and JPEG (`nasir.tasks.physics.camera`, after Jaroensri et al. 2019).
    The logarithm of a is drawn uniformly, and b goes with it as log b = 2.18 log a + 1.2 (Brooks et
    al. 2019, section 3.1).
    """

    shot: tuple[float, ...] = setting(
        (0.0005, 0.012),
        "a of the variance a L + b, in light L of which white has 1, least and greatest, in "
        "[1e-6, 1]",
        within(1e-6, 1),
        as_interval,
    )
    read: tuple[float, ...] | None = setting(
        None,
        "b of the variance a L + b, least and greatest, in [0, 1]; none: as it goes with a in "
        "cameras",
        must.optional(within(0, 1)),
        lambda given: None if given is None else as_interval(given),
    )
    white_balance: bool = setting(
        True, "whether red and blue have less light on the sensor, as in daylight"
    )
    chroma: float = setting(
        1.0,
        "standard deviation in pixels that the camera smooths colour with, in [0, 10]; 0: not",
        [must.ge(0), must.le(10)],
    )
    jpeg: int | None = setting(
        90,
        "quality of the JPEG that the camera writes, 1 to 95; none: uncompressed",
        must.optional([must.ge(1), must.le(95)]),
    )

    def observe(self, y: Tensor, generator: np.random.Generator) -> Tensor:
        from nasir.tasks.physics.camera import photograph, usual_read
        from nasir.tasks.physics.jpeg import compressed

        shot = drawn_log(self.shot, generator)
        read = usual_read(shot) if self.read is None else drawn(self.read, generator)
        gains = (drawn(RED, generator), 1.0, drawn(BLUE, generator))
        seen = photograph(
            y.clamp(0, 1),
            shot,
            read,
            generator,
            gains if self.white_balance else (1.0, 1.0, 1.0),
            self.chroma,
        )
        return seen if self.jpeg is None else compressed(seen, self.jpeg)
