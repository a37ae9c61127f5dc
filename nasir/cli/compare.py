"""``nasir compare``: put runs side by side."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nasir.cli.command import Command

if TYPE_CHECKING:
    from nasir.runs.run import Run


class CompareCommand(Command):
    """Put runs side by side: where their settings differ, and what came out, over all seeds."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("folders", metavar="RUN", nargs="+", help="a run's folder")
        parser.add_argument("--json", action="store_true", help="print as JSON")
        parser.add_argument(
            "--plot", metavar="FILE.png", help="draw best-so-far curves, and fronts of 2 objectives"
        )
        parser.add_argument(
            "--html", metavar="FILE.html", help="write a page with tables, curves and fronts"
        )

    def run(self, arguments: Namespace) -> int:
        from nasir.cli.comparison_tables import draw_runs, mappings, print_runs
        from nasir.cli.tables import print_json
        from nasir.runs.run import Run

        runs = [Run(folder) for folder in dict.fromkeys(arguments.folders)]
        if arguments.html:
            write_page(Path(arguments.html).expanduser(), runs)
        if arguments.plot:
            draw_runs(Path(arguments.plot).expanduser(), runs)
        if arguments.json:
            print_json(mappings(runs))
        else:
            print_runs(runs)
        return 0


def write_page(file: Path, runs: Sequence[Run]) -> None:
    """Write the comparison as one HTML page."""
    from nasir.apps.report.comparison_page import comparison_page
    from nasir.apps.report.page import check, write
    from nasir.cli.comparison_tables import panels_of

    check(file)
    write(file, comparison_page(runs, panels_of(runs)))
