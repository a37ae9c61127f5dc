"""Which decisions matter: first-order effects on the scores of a search's own trials."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from statistics import fmean, stdev

import attrs

from nasir.core.architecture import Value
from nasir.core.trial import FULL, Trial

FEWEST = 6
"""Trials that a statement needs at least."""


@attrs.frozen
class Option:
    """An option with the scores of the trials that chose it."""

    value: Value
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.scores)

    @property
    def deviation(self) -> float:
        return stdev(self.scores) if len(self.scores) > 1 else 0.0


@attrs.frozen
class Importance:
    """The part of the ranks' variance that a decision explains, among the trials where it applies.

    `share` is omega squared, in [0, 1]; `p_value` that of the F-test, Holm-corrected for the
    number of decisions.
    """

    decision: str
    share: float
    p_value: float
    options: tuple[Option, ...]


def comparable(trials: Sequence[Trial]) -> list[Trial]:
    """The complete trials of one stage and fidelity: the full stage's where it has any.

    Of the stage those of the greatest fidelity; without a full stage, the stage of the most trials.
    """
    complete = [
        t for t in trials if t.state == "complete" and t.score is not None and isfinite(t.score)
    ]
    stages = [t.proposal.stage for t in complete]
    if not stages:
        return []
    stage = FULL if FULL in stages else max(dict.fromkeys(stages), key=stages.count)
    most = max(t.proposal.fidelity for t in complete if t.proposal.stage == stage)
    return [t for t in complete if (t.proposal.stage, t.proposal.fidelity) == (stage, most)]


def importances(trials: Sequence[Trial]) -> list[Importance]:
    """The decisions of which several options were tried, the most important first.

    Empty for fewer than `FEWEST` comparable trials. Scores are replaced by their ranks, because
    diverged fits would outweigh all others. With k options and n trials (Hays 1963)::

        omega^2 = (SS_between - (k - 1) MS_within) / (SS_total + MS_within)

    This is an estimate of the explained variance without the bias in favour of decisions with many
    options; for evenly spread trials it is the first-order term of a functional ANOVA.
    """
    from nasir.apps.compare.significance import holm

    compared = comparable(trials)
    if len(compared) < FEWEST:
        return []
    names = dict.fromkeys(name for trial in compared for name in trial.architecture.choices)
    measured = [one for one in (_importance(name, compared) for name in names) if one is not None]
    adjusted = holm([one.p_value for one in measured])
    corrected = [attrs.evolve(one, p_value=p) for one, p in zip(measured, adjusted, strict=True)]
    return sorted(corrected, key=lambda one: (-one.share, one.p_value))


def _importance(name: str, trials: Sequence[Trial]) -> Importance | None:
    """The importance of a decision; None without two options that can be compared."""
    from scipy import stats

    chosen = [
        (t.architecture.choices[name], t.score)
        for t in trials
        if name in t.architecture.choices and t.score is not None
    ]
    ranks = [float(rank) for rank in stats.rankdata([score for _, score in chosen])]
    groups: dict[str, list[int]] = {}
    for place, (value, _) in enumerate(chosen):
        groups.setdefault(repr(value), []).append(place)  # True and 1 are two options
    k, n = len(groups), len(chosen)
    if k < 2 or n <= k:
        return None
    middle = fmean(ranks)
    means = {key: fmean(ranks[p] for p in places) for key, places in groups.items()}
    total = sum((rank - middle) ** 2 for rank in ranks)
    between = sum(len(places) * (means[key] - middle) ** 2 for key, places in groups.items())
    if not total:
        return None
    within = max(0.0, total - between) / (n - k)
    share = max(0.0, (between - (k - 1) * within) / (total + within))
    statistic = between / (k - 1) / within if within else float("inf")
    options = [
        Option(chosen[places[0]][0], tuple(chosen[place][1] for place in places))
        for places in groups.values()
    ]
    options.sort(key=lambda option: -option.mean)
    return Importance(name, share, float(stats.f.sf(statistic, k - 1, n - k)), tuple(options))
