"""What the fits to several pictures come to together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nasir.core.task import Task
from nasir.core.trial import Curve
from nasir.fitting.fit import FittedPicture
from nasir.training.restored import network_weights


def best_stop(fits: Sequence[FittedPicture]) -> int:
    """The place among the stopping points where the pictures are best in the mean, or the last."""
    if len({len(one.quality) for one in fits}) > 1:
        return -1  # the fits stopped each by itself
    means = [sum(values) / len(fits) for values in zip(*(f.quality for f in fits), strict=True)]
    if not means or any(map(math.isnan, means)):
        return -1  # the task measures no PSNR
    return max(range(len(means)), key=means.__getitem__)


def curves(fits: Sequence[FittedPicture], task: Task) -> dict[str, Curve]:
    """The PSNR of each picture at each point, by the share of a full fit."""
    found = {}
    for one in fits:
        values = [task.metrics(picture, one.sample).get("psnr") for picture in one.restored]
        points = zip(one.steps, values, strict=True)
        curve = tuple((step / one.fit.full, value) for step, value in points if value is not None)
        if curve:
            found[one.sample.name] = curve
    return found


def weights(fits: Sequence[FittedPicture]) -> dict[str, Any]:
    """The weights of each picture's network, as ``PICTURE/NAME``."""
    return {
        f"{one.sample.name}/{name}": value
        for one in fits
        for name, value in network_weights(one.network).items()
    }
