"""The objectives of a search, instead of the evaluator's own score."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import attrs

from nasir.core.errors import EvaluationError, SettingsError
from nasir.core.trial import FULL, Trial

_OBJECTIVE = re.compile(r"([+-]?)([A-Za-z_][\w.-]*)")


@attrs.frozen
class Objective:
    """A metric to maximise (`sign` 1) or to minimise (-1)."""

    metric: str
    sign: int = 1

    def __str__(self) -> str:
        return f"-{self.metric}" if self.sign < 0 else self.metric

    def value(self, metrics: Mapping[str, float]) -> float:
        """The metric's value with its sign, so that more is better."""
        return self.sign * metrics[self.metric]


def objectives(texts: Iterable[str]) -> tuple[Objective, ...]:
    """The objectives spelt as ``psnr`` or ``-parameters``; refuses others, and one twice."""
    found = []
    for text in texts:
        match = _OBJECTIVE.fullmatch(text)
        if match is None:
            raise SettingsError(
                f"objective={text} is no objective: write a metric's name, with - before one of "
                "which less is better, such as objective=psnr,-parameters"
            )
        found.append(Objective(match[2], -1 if match[1] == "-" else 1))
    metrics = [objective.metric for objective in found]
    for metric in metrics:
        if metrics.count(metric) > 1:
            raise SettingsError(f"objective names {metric} twice: name each metric once")
    return tuple(found)


def check_metrics(wanted: Sequence[Objective], metrics: Iterable[str]) -> None:
    """Refuse objectives that are not among the `metrics`."""
    known = list(metrics)
    for objective in wanted:
        if objective.metric not in known:
            names = ", ".join(known) or "none"
            raise EvaluationError(
                f"objective={objective} is no metric of this evaluation; there are: {names}"
            )


def values_of(trial: Trial, wanted: Sequence[Objective]) -> tuple[float, ...] | None:
    """The values of a trial by objective, greater is better; None if one is missing."""
    if trial.score is None:
        return None
    if not wanted:
        return (trial.score,)
    if any(objective.metric not in trial.metrics for objective in wanted):
        return None
    return tuple(objective.value(trial.metrics) for objective in wanted)


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is nowhere less than `other` and somewhere more (Pareto)."""
    pairs = list(zip(one, other, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def pareto_front(trials: Iterable[Trial], wanted: Sequence[Objective]) -> list[Trial]:
    """The complete full-stage trials that no other dominates, best by the first objective first.

    Only those of the greatest fidelity, and the first of equal ones.
    """
    complete = [t for t in trials if t.proposal.stage == FULL and t.state == "complete"]
    most = max((t.proposal.fidelity for t in complete), default=1.0)
    valued = {t.number: values_of(t, wanted) for t in complete if t.proposal.fidelity == most}
    points = {number: values for number, values in valued.items() if values is not None}
    front: dict[tuple[float, ...], int] = {}
    for number, values in points.items():
        if values not in front and not any(dominates(other, values) for other in points.values()):
            front[values] = number
    by_number = {t.number: t for t in complete}
    return [by_number[front[values]] for values in sorted(front, reverse=True)]


def score_metric(trials: Iterable[Trial]) -> Objective | None:
    """The metric that is the score of all `trials`, with its sign; None if there is no such."""
    scored = [trial for trial in trials if trial.score is not None]
    for metric in scored[0].metrics if scored else ():
        for objective in (Objective(metric), Objective(metric, -1)):
            if all(metric in t.metrics and objective.value(t.metrics) == t.score for t in scored):
                return objective
    return None
