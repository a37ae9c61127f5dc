"""The rungs of a bracket, and which configuration is promoted next."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

import attrs

Result = tuple[float, int]
"""Minus the score, and the number of the configuration: the least is the best."""


@attrs.define
class Rung:
    """The results of the configurations at one fidelity; a failed one is the worst."""

    complete: int = 0
    promoted: int = 0
    _ranked: list[Result] = attrs.field(init=False, factory=list)
    _waiting: list[Result] = attrs.field(init=False, factory=list)

    def __len__(self) -> int:
        """The number of configurations that have ended here."""
        return len(self._ranked)

    def enter(self, configuration: int, score: float | None) -> None:
        """Add an ended trial; `score` is None if it failed."""
        if score is None:
            insort(self._ranked, (math.inf, configuration))
            return
        self.complete += 1
        insort(self._ranked, (-score, configuration))
        insort(self._waiting, (-score, configuration))

    def best_waiting(self, places: int) -> int | None:
        """The best configuration not yet promoted, if it is among the best `places` of all."""
        if not self._waiting or bisect_left(self._ranked, self._waiting[0]) >= places:
            return None
        return self._waiting[0][1]

    def promote(self, configuration: int) -> None:
        """Record that a waiting configuration was promoted."""
        place = next(i for i, (_, waiting) in enumerate(self._waiting) if waiting == configuration)
        del self._waiting[place]
        self.promoted += 1


Promotion = tuple[int, int]
"""A configuration, and the rung that it is promoted to."""


def promotion(rungs: Sequence[Rung], eta: int) -> Promotion | None:
    """The next promotion that waits for no other configuration, from the highest rung possible.

    Asynchronous successive halving (Li et al., "A System for Massively Parallel Hyperparameter
    Tuning", MLSys 2020, algorithm 2): one of the best 1 / eta of those that have ended.
    """
    for i in reversed(range(len(rungs) - 1)):
        found = rungs[i].best_waiting(len(rungs[i]) // eta)
        if found is not None:
            return found, i + 1
    return None


def survivor(rungs: Sequence[Rung], sizes: Sequence[int]) -> Promotion | None:
    """The next promotion once all of a rung have ended; rung i has at most `sizes[i]`."""
    for i, wanted in enumerate(_wanted(rungs, sizes)):
        if len(rungs[i]) < wanted:
            return None
        if i + 1 < len(rungs) and rungs[i].promoted < sizes[i + 1]:
            found = rungs[i].best_waiting(sizes[i + 1])
            if found is not None:
                return found, i + 1
    return None


def over(rungs: Sequence[Rung], sizes: Sequence[int]) -> bool:
    """Whether all configurations that these rungs will have, have ended."""
    return all(len(r) == n for r, n in zip(rungs, _wanted(rungs, sizes), strict=True))


def _wanted(rungs: Sequence[Rung], sizes: Sequence[int]) -> Iterator[int]:
    """The final size of each rung: less than planned if too many below have failed."""
    yield sizes[0]
    for below, size in zip(rungs, sizes[1:], strict=False):
        yield min(size, below.complete)
