"""``nasir bench``: compare strategies over many seeds."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nasir.cli.command import Command

if TYPE_CHECKING:
    from nasir.apps.bench.problem_results import ProblemResult

EXAMPLES = """
WORD is as for nasir run: key=value, a settings file NAME.toml, or a recipe; later ones win.
  strategy=rl,evolution,zero_cost+evolution   the strategies
  task=denoise,inpaint  another sweep makes a table for each value
  seeds=50              searches of each strategy, with the seeds from 0 on
  full=200              full evaluations that a search may spend
  workers=2             searches at a time; default: one a core; changes no result
Without space= and evaluator= the shipped table is searched: the recipe dipbench.
"""


class BenchCommand(Command):
    """Search with several strategies and many seeds; rank them by cost and result."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*", metavar="WORD", help="a setting; see below")
        parser.add_argument(
            "-o",
            "--output",
            metavar="FOLDER",
            help="keep results and curves there, and continue with them",
        )
        shape = parser.add_mutually_exclusive_group()
        shape.add_argument("--json", action="store_true", help="print as JSON")
        shape.add_argument("--latex", action="store_true", help="print as tables of LaTeX")
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.bench.bench import plan

        planned = plan(arguments.words)  # first: a misspelt word is refused at once
        from nasir.apps.progress.displays import show_work
        from nasir.cli.bench_tables import print_results, print_results_json

        with show_work("searches"):
            found = planned.run(arguments.output)
        if arguments.json:
            print_results_json(found)
        elif arguments.latex:
            from nasir.cli.bench_latex import latex

            print(latex(found))
        else:
            print_results(found)
        if arguments.output:
            _keep_curves(Path(arguments.output).expanduser(), found)
        return 0


def _keep_curves(folder: Path, found: Sequence[ProblemResult]) -> None:
    from nasir.apps.bench.problem_results import write_curves
    from nasir.apps.compare import plots

    write_curves(folder / "curves.csv", found)
    panels = [
        plots.Curves(
            one.problem,
            one.curves(),
            f"best {one.measure} so far",
            one.ranking[0][0] if one.whole else None,
        )
        for one in found
    ]
    try:
        plots.draw(folder / "curves.png", panels)
    except plots.NoMatplotlibError as error:
        print(f"nasir: no curves.png: {error}", file=sys.stderr)
