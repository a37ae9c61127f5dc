"""Removing rain."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.tasks.intervals import as_interval, drawn, within
from nasir.tasks.paired_task import PairedTask
from nasir.tasks.picture_task import Pictures

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@attrs.define(slots=False)
class Derain(PairedTask):
    """Remove streaks of rain from photographs.

    Rain is drawn for each picture and patch: streaks of one direction, as motion blur makes them
    of sparse noise, over the picture by the blend `screen` (`nasir.tasks.rain`). Each interval
    below is drawn from uniformly. The rain of a picture depends on `seed` and on its name.

    With `pairs`, `images` and `test_images` are folders of rainy and clean pictures. Of Rain800
    (Zhang, Sindagi and Patel 2019) ``task.images=FOLDER`` is the one that has ``training`` and
    ``test_syn``; of `folders`, one that has ``rainy`` and ``clean`` (or ``rain`` or ``input``, and
    ``norain`` or ``gt``), or ``train`` and ``test`` with these in them.
    """

    pairs: str | None = setting(
        None,
        "layout of given pairs: rain800 (both halves in one file) or folders (rainy, clean); none: "
        "clean pictures are given",
        must.optional(must.in_(("rain800", "folders"))),
    )
    rainy_half: str = setting(
        "right",
        "which half of a file of rain800 is the rainy one: left or right",
        must.in_(("left", "right")),
    )
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
    augment: str = setting(
        "mirror",
        "how patches to train on are turned: all (by 0, 90, 180, 270 degrees, and mirrored), "
        "mirror (left and right alone, as IR-NAS does for rain) or none",
        must.in_(("all", "mirror", "none")),
    )

    degradation: ClassVar[str] = "rain"

    @property
    def layout(self) -> str | None:
        return self.pairs

    def pairs_in(self, folder: str) -> Pictures:
        from nasir.tasks.pairs import halves, twins

        if self.pairs == "rain800":
            return halves(folder, self.rainy_half)
        return twins(folder, ("rainy", "rain", "input"))

    def observe(self, clean: Tensor, generator: np.random.Generator) -> Tensor:
        from nasir.tasks.rain import Rain, rainy

        rain = Rain(
            density=drawn(self.density, generator),
            length=drawn(self.length, generator),
            angle=drawn(self.angle, generator),
            width=drawn(self.width, generator),
            intensity=drawn(self.intensity, generator),
        )
        return rainy(clean, rain, generator)
