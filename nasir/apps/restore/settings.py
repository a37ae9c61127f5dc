"""What may be asked of a restoration."""

from __future__ import annotations

import attrs
from attrs import validators as must

from nasir.apps.restore.tiles import SMALLEST_TILE
from nasir.core.component import setting
from nasir.settings.machine import few_threads
from nasir.settings.reader import VerbSettings

AUTO = "auto"
"""The architecture that is searched for the very picture."""

SIDE = 768
"""Longest side of a part, in pixels of the restored picture, where the user says none.

Larger parts repeat less, smaller ones need less memory.
"""

USUAL_SECONDS = 120.0

TILE = 512
"""Longest side of the parts that a fit is made to, in pixels of the restored picture."""


def _tile(settings: RestoreSettings, field: attrs.Attribute[int], side: int) -> None:
    if side != 0 and side < SMALLEST_TILE:
        raise ValueError(f"'tile' must be 0 or >= {SMALLEST_TILE}: {side}")


@attrs.frozen
class RestoreSettings(VerbSettings):
    """The settings of a restoration that belong to no component."""

    use = "restore"
    components = ("task", "space", "evaluator", "strategy", "method")

    architecture: str | None = setting(
        None,
        "a reference architecture, an architecture.json, a run's folder, the folder of a training, "
        "whose network then restores, or auto: searched for this very picture; none: the published "
        "one for the task",
    )
    network: str | None = setting(
        None,
        "a trained network: a registered one (nasir list networks), or a file of nasir export; "
        "none: the one that fits the task, or else what troubles the picture",
    )
    seconds: float | None = setting(
        None,
        "bound, >= 0: a fit and the filling of holes then give what they have, and what goes part "
        "by part and would take longer is refused; with architecture=auto half of it is for the "
        f"search; none: {USUAL_SECONDS:g} for the search, and no bound for the rest",
        must.optional(must.ge(0)),
    )
    tile: int | None = setting(
        None,
        f"longest side in pixels, >= {SMALLEST_TILE}, of the parts that larger pictures are "
        f"restored in; 0: whole, whatever memory it takes; none: {TILE} for a fit, else {SIDE}",
        must.optional(_tile),
    )
    seed: int = setting(0, "what all randomness is made from, >= 0", must.ge(0))
    threads: int = setting(0, "threads; 0: as many as there are cores", few_threads)
