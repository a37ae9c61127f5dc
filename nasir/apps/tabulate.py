"""Tables made of what the trials of runs came to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from nasir.core.architecture import Architecture
from nasir.core.cost import COST
from nasir.core.errors import SettingsError
from nasir.core.trial import FULL, Trial
from nasir.runs.run import Run
from nasir.runs.table import Records, Table

if TYPE_CHECKING:
    import numpy as np

SECONDS = "fit_seconds"
TOLD_BEFORE = "proxy"
"""The evaluator whose figures are known before anything is fitted."""

Metrics = dict[str, float]


def tabulated(runs: Sequence[Run]) -> Table:
    """The table of what the trials of runs came to.

    Runs of one task with other evaluators than ``proxy`` are its repeats, in their order; those
    with ``proxy`` tell what is known before, as a fit's parameters and multiply-adds are. A fit's
    seconds are the least of its repeats. Raises :class:`SettingsError` for runs of different
    spaces, or with nothing in them.
    """
    first = runs[0].whole_settings
    for run in runs:
        if run.whole_settings["space"] != first["space"]:
            raise SettingsError(
                f"{run.folder} is of another space than {runs[0].folder}: a table has one space"
            )
    told = [(run.settings, _complete(run.trials)) for run in runs]
    architectures = list(dict.fromkeys(a for _, trials in told for a in trials))
    if not architectures:
        raise SettingsError("these runs have no complete trial to make a table of")
    tasks = {}
    for name in dict.fromkeys(settings["task"]["name"] for settings, _ in told):
        here = [one for one in told if one[0]["task"]["name"] == name]
        fitted = [one for one in here if one[0]["evaluator"]["name"] != TOLD_BEFORE]
        known = [trials for of, trials in here if of["evaluator"]["name"] == TOLD_BEFORE]
        if not fitted:
            raise SettingsError(f"no run judges task {name} in earnest: give one that does")
        settings = {key: fitted[0][0][key] for key in ("task", "evaluator")}
        costs = [_only(COST, trials) for _, trials in fitted]
        known_names, values = _array([*costs, *known], architectures)
        names = _names(trials for _, trials in fitted)
        repeats = [_rows(trials, architectures, names) for _, trials in fitted]
        if SECONDS in names:
            _take_least(repeats, names.index(SECONDS))
        tasks[name] = Records(settings, known_names, values, names, tuple(repeats))
    return Table(first["space"], tuple(architectures), tasks)


def _complete(trials: Iterable[Trial]) -> dict[Architecture, Metrics]:
    """The metrics of each architecture that was judged whole, with its seconds; the first time."""
    found: dict[Architecture, Metrics] = {}
    for trial in trials:
        proposal = trial.proposal
        if trial.state == "complete" and proposal.stage == FULL and proposal.fidelity == 1:
            seconds = {SECONDS: trial.seconds} if trial.seconds is not None else {}
            found.setdefault(trial.architecture, {**trial.metrics, **seconds})
    return found


def _only(
    names: Sequence[str], trials: Mapping[Architecture, Metrics]
) -> dict[Architecture, Metrics]:
    return {a: {n: m[n] for n in names if n in m} for a, m in trials.items()}


def _array(
    told: Sequence[Mapping[Architecture, Metrics]], architectures: Sequence[Architecture]
) -> tuple[tuple[str, ...], np.ndarray]:
    """The metrics of several runs together, one row an architecture."""
    merged: dict[Architecture, Metrics] = {a: {} for a in architectures}
    for trials in told:
        for architecture, metrics in trials.items():
            merged[architecture].update(metrics)
    names = tuple(name for name in _names([merged]) if name != SECONDS)
    return names, _rows(merged, architectures, names)


def _take_least(repeats: Sequence[np.ndarray], column: int) -> None:
    """Give all repeats the least that any says: what else a machine did makes a fit longer only."""
    import numpy as np

    least = np.fmin.reduce([values[:, column] for values in repeats])
    for values in repeats:
        values[:, column] = np.where(np.isfinite(values[:, column]), least, np.nan)


def _names(told: Iterable[Mapping[Architecture, Metrics]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for trials in told for m in trials.values() for name in m))


def _rows(
    trials: Mapping[Architecture, Metrics],
    architectures: Sequence[Architecture],
    names: Sequence[str],
) -> np.ndarray:
    import numpy as np

    nothing: Metrics = {}
    rows = [[trials.get(a, nothing).get(name, np.nan) for name in names] for a in architectures]
    return np.array(rows, np.float64).reshape(len(architectures), len(names))
