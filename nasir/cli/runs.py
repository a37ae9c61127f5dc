"""``nasir runs``: list the runs in a folder."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from nasir.cli.command import Command

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class RunsCommand(Command):
    """List the runs in a folder, the newest first, damaged ones too."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", metavar="FOLDER", nargs="?", default="runs", help="default: runs"
        )
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, arguments: Namespace) -> int:
        rows = runs_in(Path(arguments.folder))
        from nasir.cli.tables import print_json

        if arguments.json:
            print_json(rows)
        elif rows:
            _print(rows)
        elif _is_run(Path(arguments.folder)):
            print(f"{arguments.folder} is a run itself; see it with: nasir show {arguments.folder}")
        else:
            print(f"no runs in {arguments.folder}; make one with: nasir run")
        return 0


def runs_in(folder: Path) -> list[dict[str, Any]]:
    """What there is to tell of each run in `folder`, the newest first."""
    if not folder.is_dir():
        return []
    inside = [path for path in folder.iterdir() if path.name[0] != "." and _is_run(path)]
    return sorted(map(_row, inside), key=lambda row: (-row["started"], row["folder"]))


def _is_run(path: Path) -> bool:
    """Whether `path` was a run once, even if half of it is lost."""
    from nasir.runs.run import SETTINGS, TRIALS

    return path.is_dir() and any((path / name).exists() for name in (SETTINGS, TRIALS))


def _row(path: Path) -> dict[str, Any]:
    from nasir.core.errors import NasirError
    from nasir.runs.owner import read_owner
    from nasir.runs.run import Run
    from nasir.runs.summary import summary

    row: dict[str, Any] = {"folder": str(path), "started": _started(path)}
    try:
        run = Run(path)
        content = summary(run)
        planned = run.progress.get("trials", run.settings.get("trials"))
    except (NasirError, OSError) as error:  # one bad run must not hide the others
        return row | {"state": "damaged", "reason": str(error)}
    best, owner = content["best"], read_owner(path)
    silent = owner is not None and content["state"] == "running" and owner.is_silent
    return row | {
        "state": content["state"],
        "silence": owner.silence if owner and silent else None,
        "trials": content["trials"] | {"planned": planned},
        "best": {"trial": best["trial"], "score": best["score"]} if best else None,
    }


def _started(path: Path) -> float:
    """Seconds since the epoch; the settings are written once, when a run begins."""
    from nasir.runs.run import SETTINGS

    settings = path / SETTINGS
    return (settings if settings.exists() else path).stat().st_mtime


def _print(rows: list[dict[str, Any]]) -> None:
    from nasir.apps.formatting import visible
    from nasir.cli.tables import table

    cells = [_cells(row) for row in rows]
    header = ["run", "state", "trials", "best", "age"]
    print(table(header, cells, right=(2, 3, 4)))
    for row in rows:
        if row["state"] == "damaged":
            print(visible(f"\n{Path(row['folder']).name} is damaged: {row['reason']}"))


def _cells(row: dict[str, Any]) -> list[str]:
    from nasir.apps.formatting import score

    name, age = Path(row["folder"]).name, _age(time.time() - row["started"])
    if row["state"] == "damaged":
        return [name, "damaged", "", "", age]
    trials, best = row["trials"], row["best"]
    done = trials["complete"] + trials["failed"]
    silence = f" (silent {_age(row['silence'])})" if row["silence"] else ""
    return [
        name,
        row["state"] + silence,
        f"{done}/{trials['planned'] or '?'}",
        score(best["score"]) if best else "none",
        age,
    ]


def _age(seconds: float) -> str:
    size, unit = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    return f"{max(0, seconds) // size:.0f} {unit}"
