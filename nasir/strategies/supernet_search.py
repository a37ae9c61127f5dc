"""What searches in a supernet share: the settings of its training and of its validation."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.evaluator import Problem
from nasir.core.strategy import Strategy
from nasir.core.task import Task
from nasir.settings.building import settings_of_component
from nasir.training.device import usable
from nasir.training.losses import is_loss


@attrs.define(slots=False)  # slots that are still empty could not be sent to other processes
class SupernetSearch(Strategy):
    """Trains a supernet on patches, and evaluates it on some of the training pictures."""

    epochs: int = setting(20, "epochs of the supernet, >= 1 (HiNAS, IR-NAS: 100)", must.ge(1))
    steps: int = setting(10, "weight steps an epoch, >= 1", must.ge(1))
    batch: int = setting(2, "patches a step, >= 1 (HiNAS: 8, CLEARER: 32)", must.ge(1))
    patch: int = setting(32, "side of a degraded patch in pixels, >= 1 (papers: 64)", must.ge(1))
    loss: str = setting("mse", "sum of mse, l1 and log_ssim, such as mse+0.6*log_ssim", is_loss)
    lr_end: float = setting(
        0.001, "learning rate of the weights at the end, by cosine; patches alone, >= 0", must.ge(0)
    )
    momentum: float = setting(0.9, "of the weights' SGD, in [0, 1)", [must.ge(0), must.lt(1)])
    decay: float = setting(3e-4, "weight decay, >= 0", must.ge(0))
    clip: float = setting(5.0, "largest norm of the weights' gradient; 0: no limit", must.ge(0))
    validation: float = setting(
        0.02,
        "share of the training pictures to validate on, in (0, 1); unless the task keeps some",
        [must.gt(0), must.lt(1)],
    )
    tile: int = setting(
        64,
        "side of the patches in which validation pictures are restored, in pixels; 0: whole",
        must.ge(0),
    )
    crop: int = setting(
        128,
        "pixels a side of the middle of validation pictures that is used; 0: whole pictures",
        must.ge(0),
    )
    task: Task | None = setting(
        None,
        "task that the supernet is trained and validated for, about the run's pictures unless it "
        "names some; none: the run's task",
    )
    device: str = setting("auto", "cpu, cuda, or auto: a GPU where there is one")
    _searched: Any = attrs.field(init=False, factory=list, eq=False, repr=False)

    def searched(self, problem: Problem) -> Problem:
        """The problem of the search: that of the run, or the same with `task`."""
        if self.task is None:
            return problem
        if not self._searched:  # kept, since a task holds the pictures that it has read
            self._searched.append(self.task.with_pictures_of(problem.task))
        return attrs.evolve(problem, task=self._searched[0])

    def check_supernet(self, problem: Problem, partial: int = 1) -> None:
        """Refuse a device that there is not, and a space without this supernet."""
        import torch

        usable(self.device, "strategy.device")
        with torch.random.fork_rng(devices=[]):
            problem.space.supernet(problem.task.signature, partial)

    def identity(self, problem: Problem) -> dict[str, Any]:
        """What the state of a training belongs to: a search never continues from another one's."""
        return {
            "strategy": {"class": type(self).__name__, **settings_of_component(self)},
            "space": {"name": problem.domain.space, **settings_of_component(problem.space)},
            "task": settings_of_component(problem.task),
            "seed": problem.seed,
        }
