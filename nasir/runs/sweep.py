"""Sweeps: runs that were planned together, in one folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nasir.core.errors import RunFolderError
from nasir.runs.folder import SWEEP, create_whole, located
from nasir.runs.foreign_folders import refuse_links_out
from nasir.runs.run import PLANNED, Beginning, Run, write_planned

Plan = Mapping[str, Beginning]
"""What each run begins with, by the name of its folder."""


class Sweep:
    """A folder of runs. All are made when the sweep is, so that each knows what it begins with."""

    def __init__(self, folder: str | Path) -> None:
        """Open the folder of a sweep; refuses any other, and a damaged one."""
        self.folder = located(folder, is_sweep)
        if not is_sweep(self.folder):
            raise RunFolderError(
                f"{folder} is no sweep's folder: it has no {SWEEP}; see: nasir runs"
            )
        self.names = _names(self.folder / SWEEP)
        refuse_links_out(self.folder)

    @property
    def runs(self) -> list[Run]:
        """The runs, in the order of the plan; those whose folders were removed are left out."""
        return [Run(path) for name in self.names if (path := self.folder / name).exists()]

    @property
    def begun(self) -> list[Run]:
        """The runs that have begun."""
        return [run for run in self.runs if run.state != PLANNED]

    @property
    def state(self) -> str:
        """``finished``, ``running``, or ``interrupted`` where neither all are nor one is."""
        return state_of([run.state for run in self.runs])

    def __repr__(self) -> str:
        return f"Sweep({str(self.folder)!r})"


def state_of(states: Sequence[str]) -> str:
    """The state of a sweep whose runs have these."""
    if "running" in states:
        return "running"
    return "interrupted" if set(states) - {"finished"} else "finished"


def is_sweep(path: Path) -> bool:
    """Whether `path` is the folder of a sweep, even of a damaged one."""
    return os.path.isfile(path / SWEEP)  # of any name, even one too long


def create_sweep(folder: Path, plan: Plan) -> Sweep:
    """Make a sweep's folder with its runs, whole or not at all.

    Raises FileExistsError if there is one.
    """

    def make(partial: Path) -> None:
        (partial / SWEEP).write_text(json.dumps({"runs": list(plan)}, indent=1), "utf-8")
        for name, beginning in plan.items():
            (partial / name).mkdir()
            write_planned(partial / name, *beginning)

    create_whole(folder, make, "choose another place with folder=PATH")
    return Sweep(folder)


def runs_of(names: Iterable[Run | str | Path]) -> list[Run]:
    """The runs that are named, each once; of a sweep, those that have begun."""
    found: list[Run] = []
    for one in dict.fromkeys(names):
        if isinstance(one, Run):
            found.append(one)
        elif is_sweep(located(one, is_sweep)):
            found += Sweep(one).begun
        else:
            found.append(Run(one))
    return found


def _names(path: Path) -> list[str]:
    """The names of runs in a record; refuses one that leads out of the folder."""
    try:
        names: Any = json.loads(path.read_bytes())["runs"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        names = None
    if not isinstance(names, list) or not all(map(_is_name, names)):
        raise RunFolderError(f"{path} is damaged: it must name the sweep's runs; restore it")
    return list(dict.fromkeys(names))


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and Path(name).name == name and name.isprintable()
