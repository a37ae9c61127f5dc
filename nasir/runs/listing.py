"""The runs in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nasir.core.errors import NasirError, RunFolderError
from nasir.runs.folder import SETTINGS
from nasir.runs.owner import read_owner
from nasir.runs.run import TRIALS, Run
from nasir.runs.summary import summary


def runs_in(folder: Path) -> list[dict[str, Any]]:
    """Each run in `folder`, the newest first, as JSON values."""
    if not folder.is_dir():
        return []
    inside = [path for path in folder.iterdir() if path.name[0] != "." and is_run(path)]
    return sorted(map(_row, inside), key=lambda row: (-row["started"], row["folder"]))


def latest_run(folder: Path) -> Run:
    """The run in `folder` that was started last; refuses a folder without any."""
    inside = [path for path in folder.iterdir() if is_run(path)] if folder.is_dir() else []
    if not inside:
        raise RunFolderError(f"there is no run in {folder}: say which, or make one with: nasir run")
    return Run(max(inside, key=_started))


def is_run(path: Path) -> bool:
    """Whether `path` is the folder of a run, even of a damaged one."""
    return path.is_dir() and any((path / name).exists() for name in (SETTINGS, TRIALS))


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
    settings = path / SETTINGS
    return (settings if settings.exists() else path).stat().st_mtime
