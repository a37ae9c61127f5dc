"""``nasir compare``: put runs side by side."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from nasir.cli.command import Command


class CompareCommand(Command):
    """Put runs side by side: where their settings differ, and what came out."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("folders", metavar="RUN", nargs="+", help="a run's folder")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, arguments: Namespace) -> int:
        from nasir.cli.tables import compared, print_comparison, print_json
        from nasir.core.run import Run

        runs = [Run(folder) for folder in arguments.folders]
        if arguments.json:
            print_json([compared(run) for run in runs])
        else:
            print_comparison(runs)
        return 0
