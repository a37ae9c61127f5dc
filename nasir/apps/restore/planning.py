"""The plan of a restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

from nasir.apps.restore.diagnosis import Diagnosis
from nasir.apps.restore.settings import SIDE, TILE, USUAL_SECONDS, RestoreSettings
from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.method import Method
from nasir.core.search_space import SearchSpace
from nasir.core.strategy import Strategy
from nasir.networks.network import TrainedNetwork
from nasir.settings.building import name_of
from nasir.settings.machine import usable_cores

if TYPE_CHECKING:
    from nasir.apps.train.training import Training

Comparison = Literal["risk", "hidden pixels", "removed", "operator"]
"""What a result is compared by: an estimate of its risk; known pixels that were hidden; whether
what was removed is noise; how near it comes to the picture when it is degraded again."""


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
