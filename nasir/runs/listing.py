"""The runs in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nasir.core.errors import NasirError, RunFolderError
from nasir.runs.folder import SETTINGS, SWEEP, is_folder
from nasir.runs.owner import read_owner
from nasir.runs.run import TRIALS, Run, is_shown
from nasir.runs.summary import summary
from nasir.runs.sweep import Sweep, is_sweep, state_of


def runs_in(folder: Path) -> list[dict[str, Any]]:
    """Each run and sweep in `folder`, the newest first, as JSON values.

    One that is removed meanwhile is left out.
    """
    rows = [_row_of_sweep(path) if is_sweep(path) else _row(path) for path in _inside(folder)]
    there = [row for row in rows if is_folder(Path(row["folder"]))]
    return sorted(there, key=lambda row: (-row["started"], row["folder"]))


def latest(folder: Path) -> Path:
    """The run or sweep in `folder` that was started last; refuses a folder without any."""
    inside = _inside(folder)
    if not inside:
        raise RunFolderError(f"there is no run in {folder}: say which, or make one with: nasir run")
    return max(inside, key=_started)


def latest_run(folder: Path) -> Run:
    """The run in `folder` that was started last, of a sweep the one that was written last."""
    path = latest(folder)
    if not is_sweep(path):
        return Run(path)
    begun = Sweep(path).begun
    if not begun:
        raise RunFolderError(f"no run of {path} has begun: nasir resume {path}")
    return max(begun, key=lambda run: _written(run.place / TRIALS))


def _inside(folder: Path) -> list[Path]:
    try:
        visible = [path for path in folder.iterdir() if path.name[0] != "."]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [path for path in visible if is_shown(path)]


def _row_of_sweep(path: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"folder": str(path), "started": _started(path)}
    try:
        states = [run.state for run in Sweep(path).runs]
    except (NasirError, OSError) as error:
        return row | {"state": "damaged", "reason": str(error)}
    runs = {"finished": states.count("finished"), "planned": len(states)}
    return row | {"state": state_of(states), "runs": runs}


def _row(path: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"folder": str(path), "started": _started(path)}
    try:
        run = Run(path)
        content = summary(run)
        planned = run.planned_trials
    except (NasirError, OSError) as error:  # one bad run must not hide the others
        return row | {"state": "damaged", "reason": str(error)}
    best, owner = content["best"], read_owner(path)
    silent = owner is not None and content["state"] == "running" and owner.is_silent
    return row | {
        "state": content["state"],
        "silence": owner.silence if owner and silent else None,
        "trials": content["trials"] | {"planned": planned},
        "best": {key: best[key] for key in ("trial", "stage", "score")} if best else None,
    }


def _started(path: Path) -> float:
    """Seconds since 1970; the settings are written once, when a run begins."""
    return _written(path / SWEEP) or _written(path / SETTINGS) or _written(path)


def _written(path: Path) -> float:
    """When a file was written last, in seconds since 1970; 0 if there is none any more."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
