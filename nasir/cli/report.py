"""``nasir report``: a run as one HTML page."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from nasir.cli.command import Command
from nasir.reporting.page import FILE


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
        from nasir.reporting.run_page import report
        from nasir.reporting.spelling import size

        file = report(arguments.folder, arguments.output or None)
        weight = file.stat().st_size
        if arguments.json:
            print_json({"file": str(file), "bytes": weight})
        else:
            print(f"written  {file} ({size(weight)})")
        return 0
