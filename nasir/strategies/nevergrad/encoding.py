"""Options of decisions as nevergrad's real numbers, without an order among them."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm
from typing import Any, Protocol

import nevergrad as ng
import numpy as np

from nasir.core.domain import Domain

LARGEST_ARITY = 499
"""Above this, nevergrad's discrete mutations treat a number as continuous."""


class Encoding(Protocol):
    """A nevergrad parametrization of an option number at each of D decisions."""

    def parametrization(self) -> Any:
        """The parametrization of an optimiser."""

    def numbers(self, value: np.ndarray) -> list[int]:
        """The number (modulo the count of options) at each decision that a value encodes."""

    def value(self, numbers: Sequence[int]) -> np.ndarray:
        """A value that encodes these numbers."""


class Transitions:
    """One number a decision, with values ``(D,)`` in [0, A): for discrete mutations.

    Nevergrad stores it as a standard normal number, whose A quantiles of equal probability are
    the values; a discrete mutation draws another quantile. Value v is option v modulo the count of
    options, and A is the least common multiple of the counts, so that a mutation reaches every
    other option with the same probability (to within a few percent if that multiple is above 499;
    A is then 499). Optimisers of real vectors would see an order in the number.
    """

    def __init__(self, domain: Domain) -> None:
        counts = [len(decision.options) for decision in domain.decisions]
        self.arity = max(2, min(lcm(*counts), LARGEST_ARITY))
        self._decisions = len(counts)

    def parametrization(self) -> Any:
        return ng.p.TransitionChoice(self.arity, repetitions=self._decisions).indices.copy()

    def numbers(self, value: np.ndarray) -> list[int]:
        return [int(number) for number in value]

    def value(self, numbers: Sequence[int]) -> np.ndarray:
        return np.array(numbers)


class Weights:
    """One number an option, with values ``(options of all decisions,)``: for real vectors.

    The option of a decision with the greatest number is chosen, the first of equals: no option is
    nearer to another than a third is.
    """

    def __init__(self, domain: Domain) -> None:
        ends = np.cumsum([len(decision.options) for decision in domain.decisions])
        self._starts = [0, *map(int, ends[:-1])]
        self._size = int(ends[-1])

    def parametrization(self) -> Any:
        return ng.p.Array(shape=(self._size,))

    def numbers(self, value: np.ndarray) -> list[int]:
        return [int(options.argmax()) for options in np.split(value, self._starts[1:])]

    def value(self, numbers: Sequence[int]) -> np.ndarray:
        chosen = np.zeros(self._size)
        chosen[[start + number for start, number in zip(self._starts, numbers, strict=True)]] = 1
        return chosen
