"""The pages that a server shows: all runs of a folder, and each of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs

from nasir.apps.formatting import duration, score
from nasir.apps.report.markup import Child, Html, joined, tag
from nasir.apps.report.page import Section, page
from nasir.apps.report.run_page import run_page
from nasir.apps.report.trial_table import plain_table
from nasir.core.errors import NasirError
from nasir.runs.listing import runs_in
from nasir.runs.run import TRIALS, Run, is_run, is_shown
from nasir.runs.sweep import Sweep, is_sweep

KEPT = 8
"""Pages of runs that are kept until their runs change."""


@attrs.define(eq=False)
class Pages:
    """The pages of the runs in a folder, which is only read."""

    folder: Path
    _made: dict[str, tuple[object, str]] = attrs.field(init=False, factory=dict)

    def all_runs(self) -> str:
        """The page of all runs and sweeps, the newest first."""
        return self._listing(self.folder, "runs")

    def run(self, name: str) -> str | None:
        """The page of the run or sweep called `name`, of a sweep's run ``SWEEP/RUN``, or None."""
        path = self._inside(name)
        if path is None:
            return None
        if is_sweep(path):
            return self._listing(path, name)
        try:
            found = Run(path)
            state = (found.state, *map(_changed, (path / TRIALS, path / f"{TRIALS}-wal")))
            if self._made.get(name, (None, ""))[0] != state:
                self._made.pop(name, None)
                self._made[name] = (state, run_page(found))
                while len(self._made) > KEPT:
                    del self._made[next(iter(self._made))]
            return self._made[name][1]
        except NasirError as error:
            reason = tag("p", str(error), class_="reason")
            return page(f"{name} \u00b7 nasir", joined(tag("h1", name), reason), [])

    def is_running(self, name: str) -> bool:
        """Whether the run or sweep called `name` is in progress."""
        path = self._inside(name)
        try:
            if path is not None and is_sweep(path):
                return any(run.state == "running" for run in Sweep(path).runs)
            return path is not None and Run(path).state == "running"
        except NasirError:
            return False

    def _listing(self, folder: Path, name: str) -> str:
        rows = runs_in(folder)
        head = joined(
            tag("p", tag("span", "live", class_="chip"), class_="over"),
            tag("h1", f"{len(rows)} run{'s' * (len(rows) != 1)}"),
            tag("p", tag("code", str(folder))),
        )
        header = ["run", "state", "trials", "best", "age"]
        table = plain_table(header, [_cells(row, self.folder) for row in rows])
        empty = tag("p", "There are no runs yet.", class_="note")
        sections = [Section("Runs", "Runs", table if rows else empty)]
        return page(f"{name} \u00b7 nasir", head, sections)

    def _inside(self, name: str) -> Path | None:
        """The folder of a run, a sweep or a run of a sweep.

        No link, and nothing above or elsewhere below, is one.
        """
        first, _, second = name.partition("/")
        path = self.folder / first
        if not _is_plain(first) or path.is_symlink() or not is_shown(path):
            return None
        if second and is_sweep(path):
            path /= second
            return path if _is_plain(second) and not path.is_symlink() and is_run(path) else None
        return None if second else path


def _is_plain(name: str) -> bool:
    return name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}


def _cells(row: dict[str, Any], root: Path) -> list[Child]:
    path, age = Path(row["folder"]), duration(max(0.0, time.time() - row["started"]))
    inside = str(path.relative_to(root))
    link = tag("a", path.name, href=f"/run/{quote(inside, errors='surrogateescape', safe='')}")
    if "runs" in row:
        runs = row["runs"]
        return [link, _chip(row["state"]), f"{runs['finished']} of {runs['planned']} runs", "", age]
    if row["state"] == "damaged":
        return [link, _chip("damaged"), "", "", age]
    trials, best = row["trials"], row["best"]
    done = trials["complete"] + trials["failed"]
    figures: list[Child] = [f"{done} of {trials['planned'] or '?'}"]
    return [link, _chip(row["state"]), *figures, score(best["score"]) if best else "none", age]


def _chip(state: str) -> Html:
    return tag("span", state, class_=f"chip {state}")


def _changed(file: Path) -> float:
    """When a file changed last, 0 if there is none."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
