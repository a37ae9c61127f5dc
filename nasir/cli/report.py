"""``nasir report``: a run as one HTML page."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from nasir.cli.command import Command

FILE = "report.html"


class ReportCommand(Command):
    """Write a run as one HTML page: pictures, progress, decisions, architecture, settings.

    The page is a single file that asks no host for anything; open it in a browser.
    """

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="RUN", help="the run's folder")
        parser.add_argument(
            "-o", "--output", metavar="FILE.html", help=f"the page; default: RUN/{FILE}"
        )
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, arguments: Namespace) -> int:
        from nasir.cli.tables import print_json
        from nasir.core.run import Run
        from nasir.reporting.page import check, write
        from nasir.reporting.run_page import run_page
        from nasir.reporting.spelling import size

        run = Run(arguments.folder)
        file = Path(arguments.output).expanduser() if arguments.output else run.folder / FILE
        check(file)
        weight = write(file, run_page(run))
        if arguments.json:
            print_json({"file": str(file), "bytes": weight})
        else:
            print(f"written  {file} ({size(weight)})")
        return 0
