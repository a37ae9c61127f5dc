"""Tables made from the trials of runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.apps.compare.groups import settings_with_contents
from nasir.core.architecture import Architecture
from nasir.core.cost import COST
from nasir.core.errors import SettingsError
from nasir.core.registry import registries
from nasir.core.trial import FULL, Trial
from nasir.runs.run import Run
from nasir.runs.sweep import runs_of
from nasir.runs.table import ENDING, Column, Records, Table, cells

if TYPE_CHECKING:
    import numpy as np

SECONDS = Column("fit_seconds")
Cells = dict[Column, float]


def tabulate(
    *runs: Run | str | Path, output: str | Path | None = None, force: bool = False
) -> Table:
    """Make a table of the trials of runs, and write it to the file `output` if there is one.

    Runs of one task are its repeats, in their order; those whose evaluator scores by proxies give
    what is known before a fit, as a fit's parameters and multiply-adds are. A fit's seconds are
    the least of its repeats. What exists is overwritten only with `force`. Raises
    :class:`~nasir.core.errors.NasirError` for runs of different spaces, or with nothing in them.
    """
    path = None if output is None else Path(output).expanduser()
    if path is not None:
        _check_target(path, force)
    made = _table(runs_of(runs))
    if path is not None:
        try:
            made.save(path)
        except OSError as error:
            raise SettingsError(f"cannot write {path}: {error.strerror}") from None
    return made


def _check_target(path: Path, force: bool) -> None:
    if path.suffix != ENDING:
        raise SettingsError(f"cannot write {path}: a table's file ends with {ENDING}")
    if path.exists() and not force:
        raise SettingsError(f"{path} exists: overwrite it with force=True")


def _table(runs: Sequence[Run]) -> Table:
    if not runs:
        raise SettingsError("a table is made of runs: give their folders")
    first = runs[0].whole_settings
    for run in runs:
        if run.whole_settings["space"] != first["space"]:
            raise SettingsError(
                f"{run.folder} is of another space than {runs[0].folder}: a table has one space"
            )
    read = [
        (settings, _complete(run.trials))
        for run, settings in zip(runs, settings_with_contents(runs), strict=True)
    ]
    architectures = list(dict.fromkeys(a for _, trials in read for a in trials))
    if not architectures:
        raise SettingsError("these runs have no complete trial to make a table of")
    scoring = registries["evaluator"].default("score")  # of untrained networks
    tasks = {}
    for name in dict.fromkeys(settings["task"]["name"] for settings, _ in read):
        here = [one for one in read if one[0]["task"]["name"] == name]
        fitted = [one for one in here if one[0]["evaluator"]["name"] != scoring]
        known = [trials for of, trials in here if of["evaluator"]["name"] == scoring]
        if not fitted:
            raise SettingsError(f"no run evaluates task {name} by fits: give one that does")
        if len({json.dumps(of["task"], default=str) for of, _ in fitted}) > 1:
            raise SettingsError(
                f"the runs have different settings of task {name}, or other pictures: a table has "
                "one of each task"
            )
        settings = {key: fitted[0][0][key] for key in ("task", "evaluator")}
        costs = [_costs(trials) for _, trials in fitted]
        known_columns, values = _array([*costs, *known], architectures)
        columns = _columns(trials for _, trials in fitted)
        repeats = [_rows(trials, architectures, columns) for _, trials in fitted]
        if SECONDS in columns:
            _take_least(repeats, columns.index(SECONDS))
        tasks[name] = Records(settings, known_columns, values, columns, tuple(repeats))
    return Table(first["space"], tuple(architectures), tasks)


def summary_of(made: Table, path: Path) -> dict[str, Any]:
    """What a table in a file has, as JSON values."""
    import numpy as np

    tasks = {}
    for name, records in made.tasks.items():
        counts = [int(np.isfinite(values).any(axis=1).sum()) for values in records.repeats]
        tasks[name] = {
            "architectures": counts[0],
            "repeats": counts,
            "metrics": len(records.columns) + len(records.known_columns),
        }
    return {"file": str(path), "bytes": path.stat().st_size, "tasks": tasks}


def _complete(trials: Iterable[Trial]) -> dict[Architecture, Cells]:
    """The figures of each architecture's first evaluation in full, with its seconds."""
    found: dict[Architecture, Cells] = {}
    for trial in trials:
        proposal = trial.proposal
        if trial.state == "complete" and proposal.stage == FULL and proposal.fidelity == 1:
            seconds = {SECONDS: trial.seconds} if trial.seconds is not None else {}
            found.setdefault(trial.architecture, {**cells(trial), **seconds})
    return found


def _costs(trials: Mapping[Architecture, Cells]) -> dict[Architecture, Cells]:
    columns = [Column(name) for name in COST]
    return {a: {c: of[c] for c in columns if c in of} for a, of in trials.items()}


def _array(
    runs: Sequence[Mapping[Architecture, Cells]], architectures: Sequence[Architecture]
) -> tuple[tuple[Column, ...], np.ndarray]:
    """The figures of several runs together, one row an architecture."""
    merged: dict[Architecture, Cells] = {a: {} for a in architectures}
    for trials in runs:
        for architecture, figures in trials.items():
            merged[architecture].update(figures)
    columns = tuple(column for column in _columns([merged]) if column != SECONDS)
    return columns, _rows(merged, architectures, columns)


def _take_least(repeats: Sequence[np.ndarray], column: int) -> None:
    """Give all repeats the least seconds: other work on a machine only makes a fit longer."""
    import numpy as np

    least = np.fmin.reduce([values[:, column] for values in repeats])
    for values in repeats:
        values[:, column] = np.where(np.isfinite(values[:, column]), least, np.nan)


def _columns(runs: Iterable[Mapping[Architecture, Cells]]) -> tuple[Column, ...]:
    return tuple(dict.fromkeys(c for trials in runs for of in trials.values() for c in of))


def _rows(
    trials: Mapping[Architecture, Cells],
    architectures: Sequence[Architecture],
    columns: Sequence[Column],
) -> np.ndarray:
    import numpy as np

    nothing: Cells = {}
    rows = [[trials.get(a, nothing).get(c, np.nan) for c in columns] for a in architectures]
    return np.array(rows, np.float64).reshape(len(architectures), len(columns))
