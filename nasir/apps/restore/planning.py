"""What may be asked of a restoration, and the plan that it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
from attrs import validators as must

from nasir.apps.restore.diagnosis import Diagnosis
from nasir.apps.restore.tiles import SMALLEST_TILE
from nasir.apps.restore.trained import SIDE
from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.method import Method
from nasir.core.search_space import SearchSpace
from nasir.core.strategy import Strategy
from nasir.networks.network import TrainedNetwork
from nasir.settings.building import name_of
from nasir.settings.machine import few_threads, usable_cores
from nasir.settings.reader import VerbSettings

if TYPE_CHECKING:
    from nasir.apps.train.training import Training

AUTO = "auto"
"""The architecture that is searched for the very picture."""

Comparison = Literal["risk", "hidden pixels", "removed", "operator"]
"""What a result is compared by: an estimate of its risk; known pixels that were hidden; whether
what was removed is noise; how near it comes to the picture when it is degraded again."""

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


@attrs.frozen(eq=False)
class RestorationPlan:
    """What is to be done: `architecture` is None where `strategy` searches one.

    `chosen` is what the user asked for. `fixed` names the settings of the strategy that the user
    has set. `trained` is the training, `network` the trained network, and `method` the classical
    method that restores; None of them: a network is fitted to the picture. `diagnosis` is what was
    found in the picture, if one was made. `compared_by` is how the result is compared with the
    picture itself and with classical methods; None: it is not. `automatic`: nobody named what
    restores it.
    """

    settings: RestoreSettings
    problem: Problem
    architecture: Architecture | None
    chosen: str
    strategy: Strategy | None = None
    fixed: frozenset[str] = frozenset()
    trained: Training | None = None
    network: TrainedNetwork | None = None
    method: Method | None = None
    diagnosis: Diagnosis | None = None
    compared_by: Comparison | None = None
    automatic: bool = False

    @property
    def fits(self) -> bool:
        """Whether a network is fitted to the picture."""
        return self.trained is None and self.network is None and self.method is None

    @property
    def tile(self) -> int:
        """Longest side of a part of the restored picture; 0: it is restored whole."""
        whole = self.method is not None and not self.method.local
        usual = 0 if whole else TILE if self.fits else SIDE
        return usual if self.settings.tile is None else self.settings.tile

    @property
    def seconds(self) -> float:
        """The bound of a search for the picture."""
        return USUAL_SECONDS if self.settings.seconds is None else self.settings.seconds / 2

    @property
    def threads(self) -> int:
        return self.settings.threads or usable_cores()

    @property
    def task(self) -> str:
        """The task's name."""
        return name_of(self.problem.task)

    @property
    def usual_architecture(self) -> Architecture:
        """What restores the picture where no architecture was asked for, nor found."""
        space = self.problem.space
        return space.named(usual_name(space, self.task))


def usual_name(space: SearchSpace, task: str) -> str:
    """The reference architecture for a task where the user names none."""
    usual = space.usual(task)
    if usual is None:
        raise SettingsError(
            f"space {name_of(space)!r} has no usual architecture: give architecture=FILE, or =auto"
        )
    return usual
