"""The degraded picture itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nasir.core.method import Method
from nasir.core.task import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor


@attrs.define
class Degraded(Method):
    """The degraded picture at its full size, for any task."""

    def restore(self, sample: Sample, task: Task) -> Tensor:
        return task.unrestored(sample)
