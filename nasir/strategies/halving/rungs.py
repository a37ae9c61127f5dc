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

    def enter(self, configuration: int, values: Sequence[float] | None) -> None:
        """Add an ended trial with its values by objective, of which the first counts here.

        None: it failed.
        """
        if values is None:
            insort(self._ranked, (math.inf, configuration))
            return
        self.complete += 1
        insort(self._ranked, (-values[0], configuration))
        insort(self._waiting, (-values[0], configuration))

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


@attrs.define
class FrontRung(Rung):
    """A rung for several objectives, ordered by fronts and crowding as NSGA-II does.

    So successive halving is extended to several objectives by Schmucker et al. ("Multi-objective
    Asynchronous Successive Halving", 2021, the variant with non-dominated sorting).
    """

    _values: dict[int, Sequence[float]] = attrs.field(init=False, factory=dict)

    def enter(self, configuration: int, values: Sequence[float] | None) -> None:
        Rung.enter(self, configuration, values)
        if values is not None:
            self._values[configuration] = values

    def best_waiting(self, places: int) -> int | None:
        from nasir.strategies.evolution.nondominated import crowded_order

        waiting = {configuration for _, configuration in self._waiting}
        if not waiting or places < 1:
            return None
        configurations = list(self._values)
        best = [configurations[i] for i in crowded_order(list(self._values.values()))[:places]]
        return next((one for one in best if one in waiting), None)


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
