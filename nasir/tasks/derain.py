"""Removing rain."""

from __future__ import annotations

from typing import ClassVar

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Degradation
from nasir.tasks.degradations.rain import Rain
from nasir.tasks.denoise import only_noise
from nasir.tasks.paired_task import PairedTask
from nasir.tasks.picture_task import Pictures


@attrs.define(slots=False)
class Derain(PairedTask):
    """Remove streaks of rain from photographs.

    Rain is drawn for each picture and patch: streaks of one direction, as motion blur makes them
    of sparse noise, over the picture by the blend `screen` (`nasir.tasks.physics.rain`).

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
    rain: Degradation = setting(
        Rain(), "rain, or with more: rain+gaussian; each interval is drawn from", open=True
    )
    augment: str = setting(
        "mirror",
        "how patches to train on are turned: all (by 0, 90, 180, 270 degrees, and mirrored), "
        "mirror (left and right alone, as IR-NAS does for rain) or none",
        must.in_(("all", "mirror", "none")),
    )

    stream: ClassVar[str] = "rain"

    @property
    def layout(self) -> str | None:
        return self.pairs

    def pairs_in(self, folder: str) -> Pictures:
        from nasir.tasks.pictures.pairs import halves, twins

        if self.pairs == "rain800":
            return halves(folder, self.rainy_half)
        return twins(folder, ("rainy", "rain", "input"))

    def degrading(self) -> Degradation:
        return only_noise(self.rain, "rain")
