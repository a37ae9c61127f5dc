"""Learning rate schedules."""

from __future__ import annotations

import math

KINDS = ("constant", "cosine", "polynomial")


def learning_rate(
    kind: str, step: int, steps: int, first: float, last: float, power: float = 0.9
) -> float:
    """The learning rate of a step in ``0 .. steps - 1``: `first` at 0, towards `last` at `steps`.

    With t = step / steps: ``cosine`` is last + (first - last) (1 + cos pi t) / 2 (SGDR, equation
    5); ``polynomial`` is last + (first - last) (1 - t)^power; ``constant`` is `first`.
    """
    if kind == "constant":
        return first
    t = min(step / steps, 1.0)
    if kind == "cosine":
        return last + (first - last) * (1 + math.cos(math.pi * t)) / 2
    if kind == "polynomial":
        return last + (first - last) * (1 - t) ** power
    raise ValueError(f"no schedule {kind!r}: {', '.join(KINDS)}")
