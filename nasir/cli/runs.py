"""``nasir runs``: list the runs in a folder."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from nasir.cli.command import Command

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class RunsCommand(Command):
    """List the runs and sweeps in a folder, the newest first, damaged ones too."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", metavar="FOLDER", nargs="?", default="runs", help="or a sweep; default: runs"
        )
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, arguments: Namespace) -> int:
        from nasir.cli.tables import print_json
        from nasir.runs.folder import located
        from nasir.runs.listing import runs_in
        from nasir.runs.run import is_run
        from nasir.runs.sweep import is_sweep

        folder = located(arguments.folder, is_sweep)
        rows = runs_in(folder)

        if arguments.json:
            print_json(rows)
        elif rows:
            _print(rows)
        elif is_run(Path(arguments.folder)):
            print(f"{arguments.folder} is a run itself; see it with: nasir show {arguments.folder}")
        else:
            print(f"no runs in {folder}; make one with: nasir run")
        return 0


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
    from nasir.apps.formatting import scored
    from nasir.runs.folder import RUNS

    folder, age = Path(row["folder"]), _age(time.time() - row["started"])
    name = str(folder.relative_to(RUNS) if folder.is_relative_to(RUNS) else folder)
    if row["state"] == "damaged":
        return [name, "damaged", "", "", age]
    if "runs" in row:
        runs = row["runs"]
        return [name, row["state"], f"{runs['finished']} of {runs['planned']} runs", "", age]
    trials, best = row["trials"], row["best"]
    done = trials["complete"] + trials["failed"]
    silence = f" (silent {_age(row['silence'])})" if row["silence"] else ""
    return [
        name,
        row["state"] + silence,
        f"{done}/{trials['planned'] or '?'}",
        scored(best["score"], best["stage"]) if best else "none",
        age,
    ]


def _age(seconds: float) -> str:
    size, unit = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    return f"{max(0, seconds) // size:.0f} {unit}"
