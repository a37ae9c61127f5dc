"""``nasir compare``: put runs side by side."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from nasir.cli.command import Command


class CompareCommand(Command):
    """Put runs side by side: where their settings differ, and their results, over all seeds."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("folders", metavar="RUN", nargs="+", help="a run's folder")
        shape = parser.add_mutually_exclusive_group()
        shape.add_argument("--json", action="store_true", help="print as JSON")
        shape.add_argument("--latex", action="store_true", help="print as a table of LaTeX")
        parser.add_argument(
            "--plot", metavar="FILE.png", help="draw best-so-far curves, and fronts of 2 objectives"
        )
        parser.add_argument(
            "--html", metavar="FILE.html", help="write a page with tables, curves and fronts"
        )

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.compare.compare import compare
        from nasir.cli.comparison_tables import print_latex, print_runs
        from nasir.cli.tables import print_json

        comparison = compare(*arguments.folders, html=arguments.html, plot=arguments.plot)
        if arguments.json:
            print_json(comparison.mappings)
        elif arguments.latex:
            print_latex(comparison)
        else:
            print_runs(comparison)
            written = [file for file in (arguments.plot, arguments.html) if file]
            if written:
                print(f"\nwritten  {', '.join(written)}")
        return 0
