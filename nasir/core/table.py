"""A tabular benchmark: what many architectures came to, looked up instead of evaluated anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nasir.core import configure
from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.recorded import DAMAGE
from nasir.core.run import Run
from nasir.core.search_space import SearchSpace
from nasir.core.strategy import FULL, Trial
from nasir.core.words import Tree

if TYPE_CHECKING:
    import numpy as np

FORMAT = "nasir table 1"
HEADER = "nasir"
"""The one entry of the file's metadata, of which safetensors keeps no order."""

ROWS = "architectures"
SECONDS = "fit_seconds"
TOLD_BEFORE = "proxy"
"""The evaluator whose figures are known before anything is fitted."""

Metrics = dict[str, float]


@attrs.frozen
class Records:
    """What the architectures of a table came to in one task.

    `known` is told before a fit, proxies' values say; each of the `repeats` is told after one,
    with a seed of its own. All are arrays ``(architectures, metrics)``, NaN where nothing is.
    """

    settings: Tree
    known_names: tuple[str, ...]
    known: np.ndarray = attrs.field(eq=False, repr=False)
    names: tuple[str, ...]
    repeats: tuple[np.ndarray, ...] = attrs.field(eq=False, repr=False)


@attrs.frozen(slots=False)
class Table:
    """Architectures of one space with their records by task."""

    space: Tree
    architectures: tuple[Architecture, ...] = attrs.field(repr=False)
    tasks: Mapping[str, Records]

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each architecture, by its id."""
        return {a.id: row for row, a in enumerate(self.architectures)}

    def save(self, path: Path) -> None:
        """Write the table: arrays as safetensors, the rest as JSON in its header."""
        import numpy as np
        from safetensors.numpy import save_file

        domain = made_space(self.space).domain
        arrays = {ROWS: np.array([domain.encode(a) for a in self.architectures], np.int16)}
        tasks = {}
        for task, records in self.tasks.items():
            arrays[f"{task}/known"] = records.known.astype(np.float32)
            for turn, values in enumerate(records.repeats):
                arrays[f"{task}/{turn}"] = values.astype(np.float32)
            tasks[task] = {
                "settings": records.settings,
                "known": records.known_names,
                "names": records.names,
                "repeats": len(records.repeats),
            }
        header = {"format": FORMAT, "space": self.space, "tasks": tasks}
        save_file(arrays, path, {HEADER: json.dumps(header)})

    @classmethod
    def load(cls, path: Path) -> Table:
        """Read a table; raises :class:`SettingsError` for a file that is none."""
        try:
            return cls._read(path)
        except OSError as error:
            raise SettingsError(f"cannot read table {path}: {error.strerror or error}") from None
        except DAMAGE as error:
            raise SettingsError(f"{path} is no table of nasir, or damaged: {error}") from None

    @classmethod
    def _read(cls, path: Path) -> Table:
        from safetensors import safe_open

        with safe_open(path, "numpy") as file:
            told = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = json.loads(told.get(HEADER, "{}"))
        if header.get("format") != FORMAT:
            raise ValueError(f"its format is {header.get('format')!r}, not {FORMAT!r}")
        domain = made_space(header["space"]).domain
        tasks = {
            task: Records(
                of["settings"],
                tuple(of["known"]),
                arrays[f"{task}/known"],
                tuple(of["names"]),
                tuple(arrays[f"{task}/{turn}"] for turn in range(of["repeats"])),
            )
            for task, of in header["tasks"].items()
        }
        rows = tuple(domain.decode(row) for row in arrays[ROWS].tolist())
        for task, records in tasks.items():
            _check_shapes(task, records, len(rows))
        return cls(header["space"], rows, tasks)


def _check_shapes(task: str, records: Records, rows: int) -> None:
    """Refuse figures that are not of each architecture and each metric, or nameless."""
    if not isinstance(task, str) or not isinstance(records.settings, dict) or not records.repeats:
        raise ValueError("a task has no settings or no records")
    named = [(records.known_names, records.known)]
    named += [(records.names, values) for values in records.repeats]
    for names, values in named:
        if not all(isinstance(name, str) for name in names) or values.dtype.kind != "f":
            raise ValueError(f"the metrics of task {task} are no named figures")
        if values.shape != (rows, len(names)):
            raise ValueError(f"task {task} has not each metric of each architecture")


def made_space(settings: Tree) -> SearchSpace:
    space: SearchSpace = configure.make("space", settings)
    return space


def tabulated(runs: Sequence[Run]) -> Table:
    """The table of what the trials of runs came to.

    Runs of one task with other evaluators than ``proxy`` are its repeats, in their order; those
    with ``proxy`` tell what is known before. Raises :class:`SettingsError` for runs of different
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
        known = [trials for settings, trials in here if (settings, trials) not in fitted]
        if not fitted:
            raise SettingsError(f"no run judges task {name} in earnest: give one that does")
        settings = {key: fitted[0][0][key] for key in ("task", "evaluator")}
        known_names, values = _array(known, architectures)
        names = _names(trials for _, trials in fitted)
        repeats = tuple(_rows(trials, architectures, names) for _, trials in fitted)
        tasks[name] = Records(settings, known_names, values, names, repeats)
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
