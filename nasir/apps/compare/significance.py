"""Ranks and tests for several methods on the same problems.

After Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7, 2006. A table
of values has a row for each block (a problem with a seed) and a column for each method; the greater
value is the better.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from scipy import stats

RESAMPLES = 1000


@attrs.frozen
class Comparison:
    """Ranks and p-values of methods, in the order of the columns.

    `ranks` are mean ranks, 1 the best. `p_values` are of the two-sided Wilcoxon signed-rank test
    of each method against the best-ranked one, Holm-corrected; None for that one itself.
    `friedman` is the p-value of all methods being equal, None for fewer than three.
    """

    blocks: int
    best: int
    ranks: tuple[float, ...]
    p_values: tuple[float | None, ...]
    friedman: float | None


def compare(values: np.ndarray) -> Comparison | None:
    """Compare the columns of `values` ``(blocks, methods)``; None with fewer than two of either."""
    blocks, methods = values.shape
    if blocks < 2 or methods < 2:
        return None
    ranks = mean_ranks(values)
    best = int(np.argmin(ranks))
    others = [column for column in range(methods) if column != best]
    adjusted = holm([wilcoxon(values[:, best], values[:, column]) for column in others])
    p_values: list[float | None] = [None] * methods
    for column, p_value in zip(others, adjusted, strict=True):
        p_values[column] = p_value
    alike = friedman(ranks, blocks)[2] if methods > 2 else None
    return Comparison(blocks, best, tuple(map(float, ranks)), tuple(p_values), alike)


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """The mean rank of each column of ``(blocks, methods)``, equal ones sharing theirs."""
    return np.asarray(stats.rankdata(-values, axis=1)).mean(0)


def friedman(ranks: np.ndarray, blocks: int) -> tuple[float, float, float]:
    """Friedman's test of mean `ranks` over so many blocks: its chi-squared, F and p-value.

    With N blocks and k methods (section 3.2.2)::

        chi2 = 12 N / (k (k + 1)) (sum_j R_j^2 - k (k + 1)^2 / 4)
        F    = (N - 1) chi2 / (N (k - 1) - chi2)

    where F (Iman and Davenport) has k - 1 and (k - 1)(N - 1) degrees of freedom.
    """
    k = len(ranks)
    chi2 = 12 * blocks / (k * (k + 1)) * (float(np.sum(ranks**2)) - k * (k + 1) ** 2 / 4)
    rest = blocks * (k - 1) - chi2
    if rest <= 1e-12:  # all blocks agree
        return chi2, float("inf"), 0.0
    statistic = (blocks - 1) * chi2 / rest
    return chi2, statistic, float(stats.f.sf(statistic, k - 1, (k - 1) * (blocks - 1)))


def wilcoxon(one: np.ndarray, other: np.ndarray) -> float:
    """The p-value of the two-sided signed-rank test; ranks of no difference are split evenly."""
    if np.array_equal(one, other):
        return 1.0
    return float(stats.wilcoxon(one, other, zero_method="zsplit").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number by Holm's step-down procedure (section 3.2.2)."""
    order = np.argsort(p_values, kind="stable")
    raised = np.asarray(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raised))
    return [float(one) for one in adjusted]


def bootstrap_band(
    samples: np.ndarray, level: float = 0.95, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The percentile bootstrap band of the mean of `samples` ``(runs, points)``: low and high.

    Whole runs are resampled, because the points of a curve depend on each other. Both have shape
    ``(points,)``.
    """
    runs = len(samples)
    if runs == 1:
        return samples[0], samples[0]
    draws = np.random.default_rng(seed).multinomial(runs, [1 / runs] * runs, size=RESAMPLES)
    means = draws @ samples / runs
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high
