"""Limits on the cost of an architecture."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING

import attrs

from nasir.core.architecture import Architecture
from nasir.core.cost import COST, SECONDS
from nasir.core.domain import Domain
from nasir.core.errors import NasirError, SettingsError

if TYPE_CHECKING:
    import numpy as np

DRAWS = 1000
"""Draws beyond the limits, after which no architecture is expected within them."""

CHILDREN = 100
"""Children beyond the limits, after which another architecture is drawn instead."""

Cost = Callable[[Architecture, Collection[str]], dict[str, float]]

_LIMIT = re.compile(r"\s*(\w+)\s*(<=|>=|<|>)\s*([-+.\w]+)\s*")
_HOLDS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@attrs.frozen
class Limit:
    """A bound on a metric that is known before a network is trained."""

    metric: str
    relation: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric}{self.relation}{self.bound:g}"

    def holds(self, cost: dict[str, float]) -> bool:
        holds: bool = _HOLDS[self.relation](cost[self.metric], self.bound)
        return holds


def limits(texts: Iterable[str]) -> tuple[Limit, ...]:
    """The limits spelt as ``parameters<1e6``."""
    return tuple(map(_limit, texts))


def _limit(text: str) -> Limit:
    match = _LIMIT.fullmatch(text)
    try:
        bound = float(match[3]) if match else math.nan
    except ValueError:
        bound = math.nan
    if match is None or math.isnan(bound):
        raise SettingsError(
            f"limit={text} is no limit: write a figure, <, <=, > or >= and a number, such as "
            '"parameters<1e6"'
        )
    if match[1] not in (*COST, SECONDS):
        raise SettingsError(
            f"limit={text}: {match[1]} is not known before a network is trained; limits are on "
            f"{', '.join(COST)} and {SECONDS}"
        )
    return Limit(match[1], match[2], bound)


@attrs.define(eq=False)
class Limits:
    """Several limits; the cost of each architecture is computed once."""

    limits: tuple[Limit, ...]
    cost: Cost
    _known: dict[str, str | None] = attrs.field(init=False, factory=dict)

    def __str__(self) -> str:
        return " and ".join(map(str, self.limits))

    def refusal(self, architecture: Architecture) -> str | None:
        """The limit that an architecture is beyond, in words; None if it is within all."""
        key = architecture.id
        if key not in self._known:
            cost = self.cost(architecture, [limit.metric for limit in self.limits])
            broken = next((limit for limit in self.limits if not limit.holds(cost)), None)
            self._known[key] = (
                f"{broken.metric}={cost[broken.metric]:g}, not {broken}" if broken else None
            )
        return self._known[key]

    def allow(self, architecture: Architecture) -> bool:
        return self.refusal(architecture) is None


@attrs.frozen
class LimitedDomain(Domain):
    """A domain that samples, mutates to and lists only the architectures within limits.

    :attr:`size` and :meth:`options` are those of the whole domain.
    """

    within: Limits = attrs.field(kw_only=True, eq=False, repr=False)

    def sample(self, rng: np.random.Generator) -> Architecture:
        """An architecture drawn as by the whole domain, from those within the limits."""
        return self._first_within(lambda: super(LimitedDomain, self).sample(rng), DRAWS) or (
            self._none_within(rng)
        )

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        mutate = super().mutate
        return self._first_within(lambda: mutate(architecture, rng), CHILDREN) or self.sample(rng)

    def crossover(
        self, first: Architecture, second: Architecture, rng: np.random.Generator
    ) -> Architecture:
        cross = super().crossover
        child = self._first_within(lambda: cross(first, second, rng), CHILDREN)
        return child or self.mutate(first, rng)

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        return filter(self.within.allow, super().neighbours(architecture))

    def __iter__(self) -> Iterator[Architecture]:
        return filter(self.within.allow, super().__iter__())

    def __contains__(self, architecture: Architecture) -> bool:
        return super().__contains__(architecture) and self.within.allow(architecture)

    def _first_within(self, draw: Callable[[], Architecture], draws: int) -> Architecture | None:
        drawn = (draw() for _ in range(draws))
        return next(filter(self.within.allow, drawn), None)

    def _none_within(self, rng: np.random.Generator) -> Architecture:
        example = super().sample(rng)
        raise NasirError(
            f"none of {DRAWS} architectures drawn is within {self.within}; one has "
            f"{self.within.refusal(example)}: take a wider limit"
        )


def limited(domain: Domain, within: Limits) -> LimitedDomain:
    """The architectures of `domain` within limits."""
    parts = domain.space, domain.decisions, domain.forbidden
    return LimitedDomain(*parts, prior=domain.prior, within=within)
