"""Settings that are drawn anew for each picture: an interval, or one number for both its ends.

An interval is a tuple of the least and the greatest value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    import numpy as np


def as_interval(given: float | Sequence[float]) -> tuple[float, ...]:
    """Two numbers of two or of one."""
    if isinstance(given, int | float):
        return (float(given), float(given))
    return tuple(given) * 2 if len(given) == 1 else tuple(given)


def within(least: float, most: float = math.inf) -> Callable[..., None]:
    """A validator: two numbers in [least, most], the first not above the second."""

    def check(_: object, field: attrs.Attribute[Any], given: tuple[float, ...]) -> None:
        ordered = len(given) == 2 and least <= given[0] <= given[1] <= most
        if not (ordered and math.isfinite(given[1])):
            raise ValueError(
                f"{field.name!r} must be one number or a least and a greatest one in "
                f"[{least:g}, {most:g}]: {list(given)}"
            )

    return check


def drawn(interval: tuple[float, ...], generator: np.random.Generator) -> float:
    """A number of the interval, all equally likely."""
    return float(generator.uniform(interval[0], interval[1]))


def drawn_log(interval: tuple[float, ...], generator: np.random.Generator) -> float:
    """A number of the interval, which is above 0, its logarithm uniform."""
    return math.exp(generator.uniform(math.log(interval[0]), math.log(interval[1])))
