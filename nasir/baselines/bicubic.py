"""Bicubic enlargement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nasir.core.errors import SettingsError
from nasir.core.method import Method
from nasir.core.task import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor


@attrs.define
class Bicubic(Method):
    """Enlarges by bicubic interpolation (Keys 1981, a = -1/2), as MATLAB's imresize."""

    def restore(self, sample: Sample, task: Task) -> Tensor:
        if task.signature.scale == 1:
            raise SettingsError(
                "method=bicubic enlarges, but the pictures of this task have their full size: "
                "choose task=sr, or method=degraded"
            )
        return task.unrestored(sample)
