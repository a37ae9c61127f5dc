"""The standings of strategies on one problem, over all seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.bench.results import SearchResult
from nasir.apps.compare.curves import Curve, best_so_far, incumbents, mean_curve, points_up_to

if TYPE_CHECKING:
    import numpy as np

    from nasir.apps.compare.significance import Comparison

TOP = 0.01
"""The share of the best architectures that a search has to reach."""

Ranking = Sequence[tuple[float, str]]
"""The true score and the id of every architecture, the best first."""


@attrs.frozen
class Standing:
    """The figures of one strategy.

    `evaluations` are lower quartile, median and upper quartile over the seeds of the evaluations
    until the best so far was among the best 1 % of all architectures, infinite if it never was;
    `reached` is the share of seeds where it was. `best` and `regret` are means over the seeds of
    the true score of the final best, and of its distance from the best of all; `deviation` is the
    standard deviation of `best`. None without full evaluations.
    """

    problem: str
    strategy: str
    seeds: int
    evaluations: tuple[float, float, float]
    reached: float
    best: float | None
    deviation: float | None
    regret: float | None
    scored: float
    rank: float | None = None
    p_value: float | None = None

    @property
    def mapping(self) -> dict[str, Any]:
        """All of it as JSON values."""
        content = attrs.asdict(self)
        names = ("lower_quartile", "median", "upper_quartile")
        return content | {"evaluations": dict(zip(names, self.evaluations, strict=True))}


def standing_of(
    problem: str, strategy: str, results: Sequence[SearchResult], ranking: Ranking
) -> Standing:
    """The standing of a strategy from its `results`, one a seed."""
    worth = {name: score for score, name in ranking}
    spent = sorted(evaluations_to_reach(result, ranking) for result in results)
    ends = [incumbents(result.found)[-1] for result in results if result.found]
    best = [worth[end.architecture] for end in ends]
    return Standing(
        problem,
        strategy,
        len(results),
        (quantile(spent, 0.25), quantile(spent, 0.5), quantile(spent, 0.75)),
        sum(map(math.isfinite, spent)) / len(spent),
        fmean(best) if best else None,
        stdev(best) if len(best) > 1 else None,
        ranking[0][0] - fmean(best) if best else None,
        fmean(result.scored for result in results),
    )


def evaluations_to_reach(result: SearchResult, ranking: Ranking) -> float:
    """Evaluations until the best so far was among the best 1 %; infinite if it never was."""
    top = best_share(ranking)
    best = incumbents(result.found)
    return next((one.evaluations for one in best if one.architecture in top), math.inf)


def best_share(ranking: Ranking) -> set[str]:
    """The best 1 % of architectures, at least one, with all that equal the last of them."""
    if not ranking:
        return set()
    last = ranking[max(1, math.floor(TOP * len(ranking))) - 1][0]
    return {name for score, name in ranking if score >= last}


def compare_strategies(tables: Sequence[Sequence[Sequence[float]]], full: int) -> Comparison | None:
    """Compare strategies by evaluations to reach: problems x strategies x seeds, less is better.

    All searches that did not reach the best 1 % are equal. None for one strategy, or for one seed
    of one problem.
    """
    import numpy as np

    from nasir.apps.compare.significance import compare

    blocks = np.concatenate([np.array(strategies).T for strategies in tables])
    return compare(-np.minimum(blocks, full + 1.0))


def curve(results: Sequence[SearchResult], ranking: Ranking, full: int) -> Curve:
    """The true score of the best so far over evaluations, its mean over the seeds with a band."""
    points = points_up_to(full)
    worth = {name: score for score, name in ranking}
    curves: list[np.ndarray] = [best_so_far(result.found, points, worth) for result in results]
    return mean_curve(curves, points)


def quantile(ordered: Sequence[float], q: float) -> float:
    """The `q` quantile, linear between neighbours; infinite values may be among them."""
    place = q * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low if low == high else low + (high - low) * (place - math.floor(place))
