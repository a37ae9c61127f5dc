"""How the learning rate goes."""

from __future__ import annotations

import math

KINDS = ("constant", "cosine", "polynomial")


def learning_rate(
    kind: str, step: int, steps: int, first: float, last: float, power: float = 0.9
) -> float:
    """The rate of a step, from 0, of `steps`: `first` at step 0, and `last` would follow the end.

    With the share t = step / steps of the way: ``cosine`` is last + (first - last)
    (1 + cos pi t) / 2 (SGDR, equation 5); ``polynomial`` is last + (first - last) (1 - t)^power;
    ``constant`` is `first`.
    """
    if kind == "constant":
        return first
    t = min(step / steps, 1.0)
    if kind == "cosine":
        return last + (first - last) * (1 + math.cos(math.pi * t)) / 2
    if kind == "polynomial":
        return last + (first - last) * (1 - t) ** power
    raise ValueError(f"no schedule {kind!r}: {', '.join(KINDS)}")
