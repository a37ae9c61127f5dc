"""Best-so-far curves over the evaluations that were spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from nasir.apps.bench.effort import FullEvaluation

if TYPE_CHECKING:
    import numpy as np

SLACK = 1e-9
"""Rounding error of sums of fidelities, in evaluations."""


@attrs.frozen(eq=False)
class Curve:
    """The mean of best-so-far curves over runs, with a confidence band.

    `evaluations`, `mean`, `low` and `high` have shape ``(points,)``; a point before every run
    has found something is NaN. `low` and `high` are the mean's where there is one run alone.
    """

    evaluations: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    runs: int


def incumbents(evaluated: Sequence[FullEvaluation]) -> list[FullEvaluation]:
    """Those of `evaluated` that scored more than all before them."""
    best: list[FullEvaluation] = []
    for one in evaluated:
        if not best or one.score > best[-1].score:
            best.append(one)
    return best


def best_so_far(
    evaluated: Sequence[FullEvaluation],
    points: np.ndarray,
    worth: Mapping[str, float] | None = None,
) -> np.ndarray:
    """The best score so far at each of `points` (in evaluations), shape ``(points,)``.

    NaN before the first. With `worth`, the true scores of architectures by their ids, the curve is
    the true score of the architecture that had the best score.
    """
    import numpy as np

    best = incumbents(evaluated)
    spent = np.array([one.evaluations for one in best])
    values = [one.score if worth is None else worth[one.architecture] for one in best]
    known = np.searchsorted(spent, points + SLACK, side="right")
    return np.array([np.nan, *values])[known]


def mean_curve(curves: Sequence[np.ndarray], points: np.ndarray) -> Curve:
    """The mean of `curves`, each ``(points,)``, with the 95 % bootstrap band of the mean."""
    import numpy as np

    from nasir.apps.compare.significance import bootstrap_band

    samples = np.stack(curves)
    low, high = bootstrap_band(samples)
    return Curve(points, samples.mean(0), low, high, len(samples))


def points_up_to(evaluations: float) -> np.ndarray:
    """Every whole number of evaluations from 1, and the end."""
    import numpy as np

    whole = np.arange(1.0, np.floor(evaluations + SLACK) + 1)
    return whole if len(whole) else np.array([evaluations])
