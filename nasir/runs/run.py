"""The folder of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.core.errors import NasirError, RunFolderError
from nasir.core.failures import FailedAttempt
from nasir.core.html_view import HtmlView
from nasir.core.trial import Trial, best_of
from nasir.runs.folder import (
    SETTINGS,
    SWEEP,
    Folder,
    create_whole,
    is_folder,
    located,
    write_beginning,
)
from nasir.runs.ownership import is_owned, owned
from nasir.runs.store import RunStore
from nasir.runs.stored_settings import read_settings, read_whole_settings
from nasir.settings.overrides import Settings

if TYPE_CHECKING:
    from pandas import DataFrame

TRIALS = "run.sqlite"
Beginning = tuple[Settings, Mapping[str, Any], Mapping[str, bytes]]
"""Settings, environment, and the contents of more files by name, which a run begins with."""

PLANNED = "planned"
"""The state of a run that has not begun."""


class Run(Folder, HtmlView):
    """A run on disk."""

    html_view = "nasir.apps.report.notebook:run_view"

    def __init__(self, folder: str | Path) -> None:
        """Open the folder of a run; refuses any other."""
        path = located(folder, is_shown)
        if not is_folder(path):
            raise RunFolderError(f"there is no run folder {path}; see: nasir runs")
        if os.path.isfile(path / SWEEP):
            raise RunFolderError(
                f"{path} is a sweep of several runs: name one of them (nasir runs {path}), compare "
                "them (nasir compare), or continue them all (nasir resume)"
            )
        if not (path / SETTINGS).is_file() or not (path / TRIALS).is_file():
            raise RunFolderError(
                f"{path} is no run's folder: it has no {SETTINGS} or no {TRIALS}; see: nasir runs"
            )
        super().__init__(path)

    def __repr__(self) -> str:
        try:
            with self._reading() as store:
                count = store.number_of_trials()
            return f"Run({str(self.folder)!r}, {self.state}, {count} trials)"
        except (NasirError, OSError):  # a damaged one must be shown, too
            return super().__repr__()

    @property
    def settings(self) -> Settings:
        """The resolved settings that the run was started with."""
        return read_settings(self.place / SETTINGS)

    @property
    def whole_settings(self) -> Settings:
        """The settings from which the run's components can be made; refused if one is missing."""
        return read_whole_settings(self.place / SETTINGS)

    @property
    def trials(self) -> list[Trial]:
        """All trials so far, in the order of their numbers."""
        with self._reading() as store:
            return store.trials()

    def trials_from(self, number: int) -> list[Trial]:
        """The trials from this number on."""
        with self._reading() as store:
            return store.trials(number)

    def trials_dataframe(self) -> DataFrame:
        """The trials as a table of pandas, with a row for each: see :mod:`nasir.runs.dataframe`."""
        from nasir.runs.dataframe import dataframe

        return dataframe(self.trials)

    @property
    def failed_attempts(self) -> dict[int, list[FailedAttempt]]:
        """By trial, the attempts that failed before the last one, in order."""
        with self._reading() as store:
            return store.failed_attempts()

    @property
    def final_evaluations(self) -> dict[tuple[str, str], Trial]:
        """Evaluations of best and references, by name (``found`` is the best) and split."""
        with self._reading() as store:
            return store.final_evaluations()

    @property
    def progress(self) -> dict[str, Any]:
        """How far the run is."""
        with self._reading() as store:
            return store.progress()

    @property
    def planned_trials(self) -> int:
        """How many trials it is to have, by its last budget; 0 where a folder does not say it."""
        planned = self.progress.get("trials", self.settings.get("trials"))
        return planned if isinstance(planned, int) else 0

    @property
    def best(self) -> Trial:
        """The trial that the strategy recommends, or the best so far."""
        trials = self.trials
        progress = self.progress
        running = progress.get("state") == "running"
        recommended = None if running else progress.get("recommended")
        found = [t for t in trials if t.number == recommended]
        return found[0] if found else best_of(trials)

    @property
    def state(self) -> str:
        """``finished``, ``interrupted``, ``running``, ``stopped``, or ``planned``: not begun.

        It is stopped if its process died, or gave up after too many failures (:attr:`reason`).
        """
        progress = self.progress
        state = str(progress.get("state", "running" if "owner" in progress else PLANNED))
        return "stopped" if state == "running" and not is_owned(self.place) else state

    @property
    def reason(self) -> str | None:
        """Why the search was given up; None if it was not."""
        progress = self.progress
        return progress.get("reason") if progress.get("state") == "stopped" else None

    @contextmanager
    def _reading(self) -> Iterator[RunStore]:
        store = RunStore(self.place / TRIALS)
        try:
            yield store
        finally:
            store.close()


def is_run(path: Path) -> bool:
    """Whether `path` is the folder of a run, even of a damaged one."""
    return path.is_dir() and any((path / name).exists() for name in (SETTINGS, TRIALS))


def is_shown(path: Path) -> bool:
    """Whether ``nasir runs`` shows `path`: a run or a sweep."""
    return is_run(path) or os.path.isfile(path / SWEEP)


def create(
    folder: Path,
    settings: Settings,
    environment: Mapping[str, Any],
    files: Mapping[str, bytes] | None = None,
) -> Run:
    """Make a new run's folder, whole or not at all; raises FileExistsError if there is one.

    `files` are the contents of more files in it, by name.
    """

    def fill(partial: Path) -> None:
        write_planned(partial, settings, environment, files)

    create_whole(folder, fill, "choose another place with folder=PATH")
    return Run(folder)


def write_planned(
    folder: Path,
    settings: Settings,
    environment: Mapping[str, Any],
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Write the files of a run that has not begun."""
    write_beginning(folder, settings, environment)
    RunStore(folder / TRIALS, write=True).close()
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content)


def writing(run: Run) -> AbstractContextManager[RunStore]:
    """The store of a run, which this process alone writes (see :func:`~nasir.runs.owned`)."""
    return owned(run.place, run.place / TRIALS)
