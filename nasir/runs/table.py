"""Tabular benchmarks: results of many architectures, to look up instead of evaluating."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.packaged import packaged
from nasir.core.search_space import SearchSpace
from nasir.core.trial import Curve, Trial
from nasir.runs.validation import DAMAGE
from nasir.settings.building import make
from nasir.settings.overrides import Settings

if TYPE_CHECKING:
    import numpy as np

FORMAT = "nasir table 2"
HEADER = "nasir"
"""The only entry of the file's metadata; safetensors would not keep the order of several."""

ENDING = ".safetensors"

INCLUDED = "dipbench"
"""The table that comes with nasir."""

ROWS = "architectures"

PSNR = "psnr"
"""The metric of learning curves."""


@attrs.frozen
class Column:
    """The content of a column: a metric over all pictures, or that of one `picture`.

    With a `share` of the full effort, in (0, 1], it is a point of the picture's learning curve.
    """

    metric: str = attrs.field(validator=must.instance_of(str))
    picture: str | None = attrs.field(default=None, validator=must.optional(must.instance_of(str)))
    share: float | None = attrs.field(
        default=None, validator=must.optional(must.instance_of(float))
    )

    @property
    def fields(self) -> list[Any]:
        """The fields as JSON values, without those at the end that are None."""
        return [value for value in attrs.astuple(self) if value is not None]


@attrs.frozen
class Figures:
    """The metrics of an architecture, those of each picture, and learning curves."""

    metrics: dict[str, float] = attrs.field(factory=dict)
    by_picture: dict[str, dict[str, float]] = attrs.field(factory=dict)
    curve: dict[str, Curve] = attrs.field(factory=dict)

    @classmethod
    def from_row(cls, columns: Sequence[Column], row: Sequence[float]) -> Figures:
        """The figures in a row of a table; values that are not finite are left out."""
        figures = cls()
        for column, value in zip(columns, row, strict=True):
            if not math.isfinite(value):
                continue
            if column.picture is None:
                figures.metrics[column.metric] = value
            elif column.share is None:
                figures.by_picture.setdefault(column.picture, {})[column.metric] = value
            else:
                before = figures.curve.get(column.picture, ())
                figures.curve[column.picture] = (*before, (column.share, value))
        return figures


def cells(trial: Trial) -> dict[Column, float]:
    """The figures of a trial by the columns that they have in a table."""
    found = {Column(name): value for name, value in trial.metrics.items()}
    for picture, metrics in trial.by_picture.items():
        found |= {Column(name, picture): value for name, value in metrics.items()}
    for picture, curve in trial.curve.items():
        found |= {Column(PSNR, picture, share): value for share, value in curve}
    return found


@attrs.frozen
class Records:
    """The figures of the architectures of a table in one task.

    `known` are those before a fit, such as proxies' values; each of the `repeats` has those after
    a fit with its own seed. All are arrays ``(architectures, columns)``, NaN if unknown.
    """

    settings: Settings
    known_columns: tuple[Column, ...]
    known: np.ndarray = attrs.field(eq=False, repr=False)
    columns: tuple[Column, ...]
    repeats: tuple[np.ndarray, ...] = attrs.field(eq=False, repr=False)

    def known_of(self, row: int) -> Figures:
        """The figures of an architecture before a fit."""
        return Figures.from_row(self.known_columns, self.known[row].tolist())

    def fits_of(self, row: int) -> list[Figures]:
        """The figures of an architecture after each repeat of its fit."""
        return [Figures.from_row(self.columns, of[row].tolist()) for of in self.repeats]

    @property
    def metric_names(self) -> list[str]:
        """The metrics of fits, over all pictures."""
        return [column.metric for column in self.columns if column.picture is None]

    @property
    def known_names(self) -> list[str]:
        """The metrics that are known before a fit, over all pictures."""
        return [column.metric for column in self.known_columns if column.picture is None]

    @property
    def pictures(self) -> list[str]:
        """The pictures of the learning curves."""
        return list(dict.fromkeys(c.picture for c in self.columns if c.picture and c.share))


@attrs.frozen(slots=False)
class Table:
    """Architectures of one space with their records by task."""

    space: Settings
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
                "known": [column.fields for column in records.known_columns],
                "columns": [column.fields for column in records.columns],
                "repeats": len(records.repeats),
            }
        header = {"format": FORMAT, "space": self.space, "tasks": tasks}
        save_file(arrays, path, {HEADER: json.dumps(header, separators=(",", ":"))})

    @classmethod
    def load(cls, path: Path) -> Table:
        """Read a table; raises :class:`SettingsError` for any other file."""
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
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = json.loads(metadata.get(HEADER, "{}"))
        if header.get("format") != FORMAT:
            raise ValueError(f"its format is {header.get('format')!r}, not {FORMAT!r}")
        domain = made_space(header["space"]).domain
        tasks = {
            task: Records(
                of["settings"],
                tuple(Column(*fields) for fields in of["known"]),
                arrays[f"{task}/known"],
                tuple(Column(*fields) for fields in of["columns"]),
                tuple(arrays[f"{task}/{turn}"] for turn in range(of["repeats"])),
            )
            for task, of in header["tasks"].items()
        }
        rows = tuple(domain.decode(row) for row in arrays[ROWS].tolist())
        for task, records in tasks.items():
            _check_shapes(task, records, len(rows))
        return cls(header["space"], rows, tasks)


def _check_shapes(task: str, records: Records, rows: int) -> None:
    """Refuse arrays that have not one figure for each architecture and column."""
    if not isinstance(task, str) or not isinstance(records.settings, dict) or not records.repeats:
        raise ValueError("a task has no settings or no records")
    arrays = [(records.known_columns, records.known)]
    arrays += [(records.columns, values) for values in records.repeats]
    for columns, values in arrays:
        if values.dtype.kind != "f":
            raise ValueError(f"the metrics of task {task} are no numbers")
        if values.shape != (rows, len(columns)):
            raise ValueError(f"task {task} has not each metric of each architecture")


def included(name: str) -> Path:
    """The path of the table of this name that comes with nasir; it may not exist."""
    return packaged("tables") / f"{name}{ENDING}"


@lru_cache(maxsize=4)
def load_table(name: str) -> Table:
    """A table that comes with nasir, by its name, or a file, by its path; read once."""
    return Table.load(table_file(name))


def table_file(name: str) -> Path:
    """The file of a table that comes with nasir, or of a file's path; refuses an unknown name."""
    if name.endswith(ENDING):
        return Path(name)
    path = included(name)
    if not path.is_file():
        raise SettingsError(f"there is no table {name!r}: take {INCLUDED}, or a file NAME{ENDING}")
    return path


def made_space(settings: Settings) -> SearchSpace:
    space: SearchSpace = make("space", settings)
    return space
