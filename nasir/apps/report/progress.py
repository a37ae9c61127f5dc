"""How a search went: scores over trials stage by stage, fronts, failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import isfinite

from nasir.apps.formatting import axis, score, score_axis
from nasir.apps.report import charts
from nasir.apps.report.charts import Dot
from nasir.apps.report.markup import Html, joined, tag
from nasir.apps.report.reading import SEARCH, Reading
from nasir.apps.report.trial_table import plain_table, trial_title
from nasir.core.objectives import Objective
from nasir.core.trial import FOUND, FULL, Trial

MOST = 2000
"""Dots of one chart: if there are more trials, improvements and an even selection of the others."""

REASONS = 8


def histories(reading: Reading) -> Html:
    """A chart for each stage, the full one first: scores of stages cannot be compared."""
    stages = dict.fromkeys(trial.proposal.stage for trial in reading.trials)
    ordered = sorted(stages, key=lambda stage: stage != FULL)
    return joined(_history(reading, stage, len(ordered) > 1) for stage in ordered)


def fronts(reading: Reading) -> Html:
    """The trials by each pair of objectives, those on the Pareto front emphasised."""
    return joined(_front(reading, *pair) for pair in combinations(reading.objectives, 2))


def failures(trials: Sequence[Trial]) -> Html:
    """The reasons of failed trials, the most frequent first; nothing where none failed."""
    reasons = Counter(trial.reason for trial in trials if trial.state == "failed")
    if not reasons:
        return Html()
    rows = [[reason or "unknown", str(n)] for reason, n in reasons.most_common(REASONS)]
    rest = len(reasons) - REASONS
    more = tag("p", f"and {rest} other reasons", class_="note") if rest > 0 else None
    return joined(tag("h3", "Failed trials"), plain_table(["reason", "trials"], rows), more)


def improvements(trials: Sequence[Trial]) -> list[Trial]:
    """Those that scored more than all before them, of the greatest fidelity there is."""
    most = max((trial.proposal.fidelity for trial in trials), default=1.0)
    best: list[Trial] = []
    for trial in trials:
        if trial.proposal.fidelity == most and (not best or _score(trial) > _score(best[-1])):
            best.append(trial)
    return best


def _history(reading: Reading, stage: str, several: bool) -> Html:
    trials = [trial for trial in reading.trials if trial.proposal.stage == stage]
    complete = [t for t in trials if t.score is not None and isfinite(t.score)]
    failed = [Dot(t.number, 0.0, trial_title(t), t.number) for t in trials if t.state == "failed"]
    best = improvements(complete)
    numbers = {trial.number for trial in best}
    most = max((trial.proposal.fidelity for trial in complete), default=1.0)
    dots = []
    for trial in _thinned(complete, numbers):
        look = "dot better" if trial.number in numbers else "dot"
        look += " partial" if trial.proposal.fidelity < most else ""
        dots.append(Dot(trial.number, _score(trial), trial_title(trial), trial.number, look))
    marks = _references(reading) if stage == FULL else {}
    line = [(trial.number, _score(trial)) for trial in best]
    drawn = charts.history(dots, failed[:MOST], line, marks, score_axis(complete))
    words = [("better", "best so far"), ("plain", "complete")]
    words += [("partial", "at a lower fidelity")] if any("partial" in d.look for d in dots) else []
    words += [("failed", "failed")] if failed else []
    few = f"{len(dots)} of {len(complete)} trials are drawn." if len(dots) < len(complete) else ""
    return tag(
        "div",
        tag("h3", f"Stage {stage}") if several else None,
        _key(words),
        drawn,
        tag("p", few, class_="note") if few else None,
    )


def _front(reading: Reading, first: Objective, second: Objective) -> Html:
    complete = [
        t
        for t in reading.trials
        if t.proposal.stage == FULL and first.metric in t.metrics and second.metric in t.metrics
    ]
    on = {trial.number for trial in reading.front}
    ordered = sorted(complete, key=lambda trial: trial.number in on)  # the front on top
    dots = [
        Dot(
            *_values(t, first, second),
            trial_title(t),
            t.number,
            "dot better" if t.number in on else "dot",
        )
        for t in [*_thinned([t for t in ordered if t.number not in on], set()), *reading.front]
    ]
    line = sorted(_values(trial, first, second) for trial in reading.front)
    alone = len(reading.objectives) == 2
    return joined(
        _key([("better", "on the Pareto front"), ("plain", "dominated")]),
        charts.scatter(dots, line if alone else [], _axis(second), _axis(first)),
    )


def _values(trial: Trial, first: Objective, second: Objective) -> tuple[float, float]:
    return trial.metrics[second.metric], trial.metrics[first.metric]


def _axis(objective: Objective) -> str:
    return f"{axis(objective.metric)}, {'less' if objective.sign < 0 else 'more'} is better"


def _references(reading: Reading) -> dict[str, float]:
    """The references' scores on the pictures of the search, where known."""
    return {
        f"{name} {score(trial.score)}": trial.score
        for (name, split), trial in reading.final_evaluations.items()
        if split == SEARCH and name != FOUND and trial.score is not None
    }


def _thinned(trials: Sequence[Trial], kept: set[int]) -> list[Trial]:
    every = max(1, -(-len(trials) // MOST))
    return [t for n, t in enumerate(trials) if n % every == 0 or t.number in kept]


def _key(entries: Sequence[tuple[str, str]]) -> Html:
    items = [tag("li", tag("i", class_=f"key mark-{look}"), words) for look, words in entries]
    return tag("ul", items, class_="legend")


def _score(trial: Trial) -> float:
    assert trial.score is not None
    return trial.score
