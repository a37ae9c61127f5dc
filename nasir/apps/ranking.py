"""Architectures ranked by one or several proxies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.strategies.ranking import ranks


@attrs.frozen(eq=False)
class RankedArchitecture:
    """An architecture with its proxies' values and its ranks among others.

    `values` are by the proxy's name, `ranks` by the same with a minus if the proxy is reversed.
    The best has rank 1, equal ones share the mean of their ranks, and values that are not finite
    come last. `error` is why there are no values.
    """

    name: str
    architecture: Architecture
    values: Mapping[str, float] = attrs.field(factory=dict)
    ranks: Mapping[str, float] = attrs.field(factory=dict)
    error: str | None = None

    @property
    def mean_rank(self) -> float:
        """The mean over the proxies; infinite without ranks."""
        return fmean(self.ranks.values()) if self.ranks else math.inf

    @property
    def mapping(self) -> dict[str, Any]:
        """Everything as JSON values."""
        content: dict[str, Any] = {"name": self.name, "architecture_id": self.architecture.id}
        content["architecture"] = self.architecture.mapping
        if self.error is not None:
            return content | {"error": self.error}
        figures = {"values": dict(self.values), "ranks": dict(self.ranks)}
        return content | figures | {"mean_rank": self.mean_rank}


def ranked(
    scored: Sequence[RankedArchitecture], proxies: Sequence[str]
) -> list[RankedArchitecture]:
    """The architectures with their ranks, the best mean rank first, failed ones at the end."""
    fine = [one for one in scored if one.error is None]
    rows = ranks([one.values for one in fine], proxies)
    fine = [attrs.evolve(one, ranks=row) for one, row in zip(fine, rows, strict=True)]
    failed = [one for one in scored if one.error is not None]
    return [*sorted(fine, key=lambda one: one.mean_rank), *failed]
