"""Removing the noise of a camera."""

from __future__ import annotations

from typing import ClassVar

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.degradation import Degradation
from nasir.tasks.degradations.real_camera import RealCamera
from nasir.tasks.denoise import only_noise
from nasir.tasks.paired_task import PairedTask
from nasir.tasks.picture_task import Pictures


@attrs.define(slots=False)
class RealDenoise(PairedTask):
    """Remove from photographs what a camera adds to them.

    A camera is simulated for each picture and patch (`nasir.tasks.physics.camera`, after Jaroensri
    et al. 2019): ``nasir describe degradation=real_camera``.

    With `pairs`, `images` and `test_images` are folders that have ``noisy`` and ``clean`` (or
    ``gt``), with files of equal names, or ``train`` and ``test`` with these in them, as SIM1800.
    """

    pairs: str | None = setting(
        None,
        "layout of given pairs: sim1800 or folders, both of folders noisy and clean; none: clean "
        "pictures are given",
        must.optional(must.in_(("sim1800", "folders"))),
    )
    camera: Degradation = setting(
        RealCamera(), "real_camera or other noise: how photographs are degraded", open=True
    )

    stream: ClassVar[str] = "camera"

    @property
    def layout(self) -> str | None:
        return self.pairs

    def pairs_in(self, folder: str) -> Pictures:
        from nasir.tasks.pictures.pairs import twins

        return twins(folder, ("noisy",))

    def degrading(self) -> Degradation:
        return only_noise(self.camera, "camera")
