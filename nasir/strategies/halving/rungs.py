"""The rungs of a bracket: who is there, and who goes on."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

import attrs

Result = tuple[float, int]
"""Minus the score, and the number of the configuration: the least is the best."""


@attrs.define
class Rung:
    """What came of the configurations at one fidelity; a failed one counts as the worst."""

    complete: int = 0
    promoted: int = 0
    _ranked: list[Result] = attrs.field(init=False, factory=list)
    _waiting: list[Result] = attrs.field(init=False, factory=list)

    def __len__(self) -> int:
        """How many have ended here."""
        return len(self._ranked)

    def enter(self, configuration: int, score: float | None) -> None:
        """Take in an ended trial; `score` is None where it failed."""
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
        """Take note that a waiting configuration has gone on."""
        place = next(i for i, (_, waiting) in enumerate(self._waiting) if waiting == configuration)
        del self._waiting[place]
        self.promoted += 1


Promotion = tuple[int, int]
"""A configuration, and the rung that it goes on to."""


def promotion(rungs: Sequence[Rung], eta: int) -> Promotion | None:
    """Who goes on without waiting for others, from the highest rung where there is one.

    Asynchronous successive halving (Li et al., "A System for Massively Parallel Hyperparameter
    Tuning", MLSys 2020, algorithm 2): whoever is in the best 1 / eta of those that have ended.
    """
    for i in reversed(range(len(rungs) - 1)):
        found = rungs[i].best_waiting(len(rungs[i]) // eta)
        if found is not None:
            return found, i + 1
    return None


def survivor(rungs: Sequence[Rung], sizes: Sequence[int]) -> Promotion | None:
    """Who goes on once all of a rung have ended; rung i has at most `sizes[i]`."""
    for i, wanted in enumerate(_wanted(rungs, sizes)):
        if len(rungs[i]) < wanted:
            return None
        if i + 1 < len(rungs) and rungs[i].promoted < sizes[i + 1]:
            found = rungs[i].best_waiting(sizes[i + 1])
            if found is not None:
                return found, i + 1
    return None


def over(rungs: Sequence[Rung], sizes: Sequence[int]) -> bool:
    """Whether all that will ever be on these rungs have ended."""
    return all(len(r) == n for r, n in zip(rungs, _wanted(rungs, sizes), strict=True))


def _wanted(rungs: Sequence[Rung], sizes: Sequence[int]) -> Iterator[int]:
    """How many will be on each rung: fewer than planned where too many below have failed."""
    yield sizes[0]
    for below, size in zip(rungs, sizes[1:], strict=False):
        yield min(size, below.complete)
