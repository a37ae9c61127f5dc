"""A tabular benchmark: what many architectures came to, looked up instead of evaluated anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.search_space import SearchSpace
from nasir.runs.validation import DAMAGE
from nasir.settings.building import make
from nasir.settings.overrides import Settings

if TYPE_CHECKING:
    import numpy as np

FORMAT = "nasir table 1"
HEADER = "nasir"
"""The one entry of the file's metadata, of which safetensors keeps no order."""

ENDING = ".safetensors"

CARRIED = "dipbench"
"""The table that comes with nasir."""

ROWS = "architectures"


@attrs.frozen
class Records:
    """What the architectures of a table came to in one task.

    `known` is told before a fit, proxies' values say; each of the `repeats` is told after one,
    with a seed of its own. All are arrays ``(architectures, metrics)``, NaN where nothing is.
    """

    settings: Settings
    known_names: tuple[str, ...]
    known: np.ndarray = attrs.field(eq=False, repr=False)
    names: tuple[str, ...]
    repeats: tuple[np.ndarray, ...] = attrs.field(eq=False, repr=False)


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


def carried(name: str) -> Path:
    """Where a table of this name is, if it comes with nasir."""
    return Path(str(files("nasir") / "tables" / f"{name}{ENDING}"))


@lru_cache(maxsize=4)
def load_table(name: str) -> Table:
    """A table that comes with nasir, by its name, or a file, by its path; read once."""
    if name.endswith(ENDING):
        return Table.load(Path(name))
    path = carried(name)
    if not path.is_file():
        raise SettingsError(f"there is no table {name!r}: take {CARRIED}, or a file NAME{ENDING}")
    return Table.load(path)


def made_space(settings: Settings) -> SearchSpace:
    space: SearchSpace = make("space", settings)
    return space
