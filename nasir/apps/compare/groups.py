"""Runs that differ in nothing but the seed, put together and compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.compare.hypervolume import share
from nasir.core.errors import NasirError
from nasir.core.objectives import Objective, dominates, objectives, pareto_front, values_of
from nasir.core.trial import FULL, Trial, best_of
from nasir.runs.inputs import contents_of
from nasir.runs.run import Run

if TYPE_CHECKING:
    from nasir.apps.compare.significance import Comparison

APART = ("seed", "name", "folder", "references", "workers", "threads", "executor")
"""Settings in which the runs of a group may differ."""

PROBLEM = ("task", "evaluator", "objective")
"""Settings that define the problem; methods are ranked within each."""

Values = tuple[float, ...]


@attrs.frozen(eq=False)
class ComparedRun:
    """A run with the value that it is compared by.

    `value` is its best score, of the full stage where any run has one; with two objectives the
    hypervolume of its front, as a share of the box from the worst to the best value in any of the
    compared runs.
    """

    run: Run
    settings: Mapping[str, Any]
    trials: Sequence[Trial]
    front: Sequence[Values] = ()
    value: float | None = None


@attrs.frozen(eq=False)
class Group:
    """Runs of the same settings, one a seed.

    `mean` and `deviation` are of their values; `rank` and `p_value` compare the group's method
    with the others', where all have runs of the same seeds.
    """

    runs: Sequence[ComparedRun]
    rank: float | None = None
    p_value: float | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        return {k: v for k, v in self.runs[0].settings.items() if k not in APART}

    @property
    def values(self) -> list[float]:
        """The values of the runs that have one."""
        return [one.value for one in self.runs if one.value is not None]

    @property
    def mean(self) -> float | None:
        return fmean(self.values) if self.values else None

    @property
    def deviation(self) -> float | None:
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def front(self) -> list[Values]:
        """The points that no run of the group dominates, the best by the first objective first."""
        points = {point for one in self.runs for point in one.front}
        best = [p for p in points if not any(dominates(other, p) for other in points)]
        return sorted(best, reverse=True)

    @property
    def mapping(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "runs": [one.run.folder.name for one in self.runs],
            "seeds": [one.settings.get("seed") for one in self.runs],
            "mean": self.mean,
            "deviation": self.deviation,
            "rank": self.rank,
            "p_value": self.p_value,
        }


def objectives_of(runs: Sequence[Run]) -> tuple[Objective, ...]:
    """The objectives of the runs; refuses runs of different ones."""
    given = {tuple(run.settings.get("objective", ())): run.folder for run in runs}
    if len(given) > 1:
        named = [f"{','.join(key) or 'the score'} ({folder})" for key, folder in given.items()]
        raise NasirError(
            f"the runs have different objectives: {' and '.join(named)}; compare those of the same"
        )
    return objectives(*given)


def read_runs(runs: Sequence[Run]) -> list[ComparedRun]:
    """The runs with their values; refuses those of different objectives."""
    wanted = objectives_of(runs)
    read = [
        ComparedRun(run, settings, run.trials)
        for run, settings in zip(runs, settings_with_contents(runs), strict=True)
    ]
    if len(wanted) != 2:
        found = [_best(one.trials) for one in read]
        stages = {trial.proposal.stage for trial in found if trial is not None}
        stage = next(iter(stages)) if len(stages) == 1 else FULL
        return [
            attrs.evolve(one, value=best.score)
            if best is not None and best.proposal.stage == stage
            else one
            for one, best in zip(read, found, strict=True)
        ]
    fronts = [front(one.trials, wanted) for one in read]
    every = [values_of(t, wanted) for one in read for t in one.trials if t.state == "complete"]
    box = [values for values in every if values is not None]
    return [
        attrs.evolve(one, front=points, value=share(points, box) if points else None)
        for one, points in zip(read, fronts, strict=True)
    ]


def settings_with_contents(runs: Sequence[Run]) -> list[Mapping[str, Any]]:
    """The settings of runs; ``task.contents`` sets those of other files at the same places apart.

    Such runs have the same settings and solve another problem.
    """
    settings = [run.settings for run in runs]
    contents = [contents_of(run) for run in runs]
    tasks = [json.dumps(one.get("task"), default=str) for one in settings]
    found: dict[str, set[str]] = {}
    for task, content in zip(tasks, contents, strict=True):
        if content is not None:
            found.setdefault(task, set()).add(content)
    return [
        {**one, "task": {**one["task"], "contents": content}}
        if content is not None and len(found[task]) > 1
        else one
        for one, task, content in zip(settings, tasks, contents, strict=True)
    ]


def front(trials: Sequence[Trial], wanted: Sequence[Objective]) -> list[Values]:
    """The values on the Pareto front of a run's trials, more being better."""
    valued = (values_of(trial, wanted) for trial in pareto_front(trials, wanted))
    return [values for values in valued if values is not None]


def group_runs(runs: Sequence[ComparedRun]) -> list[Group]:
    """The groups in the order of their first runs, with ranks where all have the same seeds."""
    by_settings: dict[str, list[ComparedRun]] = {}
    for one in runs:
        by_settings.setdefault(_key(one.settings, ()), []).append(one)
    groups = [Group(of) for of in by_settings.values()]
    methods = list(dict.fromkeys(_key(group.settings, PROBLEM) for group in groups))
    comparison = _compare(groups, methods)
    if comparison is None:
        return groups
    places = [methods.index(_key(group.settings, PROBLEM)) for group in groups]
    return [
        attrs.evolve(group, rank=comparison.ranks[place], p_value=comparison.p_values[place])
        for group, place in zip(groups, places, strict=True)
    ]


def _compare(groups: Sequence[Group], methods: Sequence[str]) -> Comparison | None:
    """Methods compared on the blocks (problem and seed) on which each of them has a value."""
    values: dict[str, dict[str, float]] = {method: {} for method in methods}
    for group in groups:
        for one in group.runs:
            if one.value is not None:
                block = json.dumps([_problem(one.settings), one.settings.get("seed")])
                values[_key(group.settings, PROBLEM)][block] = one.value
    common = set.intersection(*(set(of) for of in values.values()))
    if len(common) < 2 or len(methods) < 2:
        return None
    import numpy as np

    from nasir.apps.compare.significance import compare

    blocks = sorted(common)
    return compare(np.array([[values[method][block] for method in methods] for block in blocks]))


def _best(trials: Sequence[Trial]) -> Trial | None:
    try:
        return best_of(trials)
    except NasirError:
        return None


def _problem(settings: Mapping[str, Any]) -> list[Any]:
    return [settings.get(key) for key in PROBLEM]


def _key(settings: Mapping[str, Any], without: Sequence[str]) -> str:
    left = {k: v for k, v in settings.items() if k not in (*APART, *without)}
    return json.dumps(left, sort_keys=True, default=str)
