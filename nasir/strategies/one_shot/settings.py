"""The settings of a search by paths."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.strategies.validators import is_loss


@attrs.define(slots=False)  # slots that are still empty could not be sent to other processes
class OneShotSettings(Strategy):
    """What the epochs of a search by paths depend on."""

    epochs: int = setting(20, "epochs of the supernet, >= 1", must.ge(1))
    steps: int = setting(10, "weight steps an epoch, one path each, >= 1", must.ge(1))
    batch: int = setting(2, "patches a step, >= 1", must.ge(1))
    patch: int = setting(32, "side of a degraded patch in pixels, >= 1", must.ge(1))
    loss: str = setting("mse", "sum of mse, l1 and log_ssim, such as mse+0.6*log_ssim", is_loss)
    lr: float = setting(0.025, "learning rate of the weights (SGD) at the start, > 0", must.gt(0))
    lr_end: float = setting(0.001, "and at the end, by cosine, >= 0", must.ge(0))
    momentum: float = setting(0.9, "of the weights' SGD, in [0, 1)", [must.ge(0), must.lt(1)])
    decay: float = setting(3e-4, "weight decay, >= 0", must.ge(0))
    clip: float = setting(5.0, "largest norm of the weights' gradient; 0: no limit", must.ge(0))
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
    validation: float = setting(
        0.02, "share of the training pictures to validate on, in (0, 1)", [must.gt(0), must.lt(1)]
    )
    tile: int = setting(
        64,
        "side of the patches in which validation pictures are restored, in pixels; 0: whole",
        must.ge(0),
    )
    crop: int = setting(
        0, "side of the middle of validation pictures that is used; 0: all", must.ge(0)
    )
    device: str = setting("auto", "cpu, cuda, or auto: a GPU where there is one")

    def epochs_at(self, fidelity: float) -> int:
        """The number of epochs that a proposal's fidelity means."""
        return round(fidelity * self.epochs)

    def paths(self, problem: Problem, epoch: int) -> Sequence[Architecture]:
        """The paths of the steps of an epoch, from 0: architectures drawn uniformly."""
        import numpy as np

        rng = np.random.default_rng(derived_seed(problem.seed, "paths", epoch))
        return [problem.domain.sample(rng) for _ in range(self.steps)]
