"""Classical restoration methods, to compare networks with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from nasir.core.task import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor


class Method(ABC):
    """A classical restoration method. A subclass is an attrs class; its fields are its settings."""

    local: ClassVar[bool] = False
    """Whether a pixel depends on its surroundings alone, so that large pictures are cut up."""

    textured: ClassVar[bool] = False
    """Whether it makes up texture, which looks better than a mean of all that may be, and is
    farther from the truth."""

    ends_early: ClassVar[bool] = False
    """Whether it asks :func:`~nasir.core.progress.is_over` between steps, and then returns what it
    has."""

    @abstractmethod
    def restore(self, sample: Sample, task: Task) -> Tensor:
        """The restored picture ``(1, C, H, W)``, from ``sample.degraded`` and the task alone.

        Raises :class:`~nasir.core.errors.SettingsError` for a task that the method does not solve.
        """
