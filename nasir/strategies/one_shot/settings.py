"""The settings of a search by paths."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.strategies.supernet_search import SupernetSearch


@attrs.define(slots=False)  # slots that are still empty could not be sent to other processes
class OneShotSettings(SupernetSearch):
    """What the epochs of a search by paths depend on."""

    lr: float = setting(0.025, "learning rate of the weights (SGD) at the start, > 0", must.gt(0))
    final: int = setting(
        0,
        "number of the best paths that the run's evaluator evaluates at the end, >= 0",
        must.ge(0),
    )
    calibration: int = setting(
        8,
        "batches to compute a path's batch-norm statistics from; 0: those of the supernet",
        must.ge(0),
    )

    def epochs_at(self, fidelity: float) -> int:
        """The number of epochs that a proposal's fidelity means."""
        return round(fidelity * self.epochs)

    def paths(self, problem: Problem, epoch: int) -> Sequence[Architecture]:
        """The paths of the steps of an epoch, from 0: architectures drawn uniformly."""
        import numpy as np

        rng = np.random.default_rng(derived_seed(problem.seed, "paths", epoch))
        return [problem.domain.sample(rng) for _ in range(self.steps)]
