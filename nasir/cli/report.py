"""``nasir report``: a run as one HTML page."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from nasir.apps.report.page import FILE
from nasir.cli.command import Command, add_run, run_of


class ReportCommand(Command):
    """Write a run as one HTML page: pictures, progress, decisions, architecture, settings.

    The page is a single file that asks no host for anything; open it in a browser.
    """

    def configure(self, parser: ArgumentParser) -> None:
        add_run(parser)
        parser.add_argument(
            "-o", "--output", metavar="FILE.html", help=f"the page; default: RUN/{FILE}"
        )
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.formatting import size
        from nasir.apps.report.run_page import report
        from nasir.cli.tables import print_json

        file = report(run_of(arguments).folder, arguments.output or None)
        weight = file.stat().st_size
        if arguments.json:
            print_json({"file": str(file), "bytes": weight})
        else:
            print(f"written  {file} ({size(weight)})")
        return 0
