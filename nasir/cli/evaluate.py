"""``nasir evaluate``: methods and architectures by the published protocols."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.apps.progress.displays import show_work
from nasir.cli.command import Command

if TYPE_CHECKING:
    from nasir.apps.evaluate.entries import Result

EXAMPLES = """
  method=tv,nlm               classical methods (nasir list methods); method.weight=0.1 sets a field
  architecture=NAME           a reference architecture (nasir describe space=nasdip), an
                              architecture.json or a run's folder; several with commas. With the
                              folder of nasir train, its trained weights are evaluated
  images=FOLDER               the pictures, all of them and whole; short for task.images
  task=sr task.scale=4        the task and its protocol: task.channel, task.border, task.seed,
                              task.quantise (true unless it is set here)
  evaluator.iterations=500    how architectures are fitted
  evaluator.tile=64           trained weights, in patches; evaluator.ensemble=true: the mean over 8
                              flips and rotations
  seed=1 threads=2            of the fits
"""


class EvaluateCommand(Command):
    """Evaluate methods and architectures on the same pictures: a table by picture, and the mean."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*", metavar="WORD", help="a setting; see below")
        shape = parser.add_mutually_exclusive_group()
        shape.add_argument("--json", action="store_true", help="print as JSON")
        shape.add_argument("--csv", action="store_true", help="print as CSV")
        parser.add_argument("-o", "--output", metavar="FOLDER", help="save the restored pictures")
        parser.add_argument("--overwrite", action="store_true", help="overwrite what FOLDER has")
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.evaluate.evaluate import plan
        from nasir.apps.evaluate.output import check_output, save

        planned = plan(arguments.words, {})
        folder = Path(arguments.output).expanduser() if arguments.output else None
        if folder is not None:
            check_output(folder, arguments.overwrite)
        results: list[Result] = []
        try:
            for entry in planned.entries:
                with show_work(entry.name):
                    results.append(entry.evaluate())
                if folder is not None:
                    save(folder, results[-1])
        except KeyboardInterrupt:
            _print(results, planned.settings, arguments)
            raise
        _print(results, planned.settings, arguments)
        return 1 if any(result.error for result in results) else 0


def _print(results: Sequence[Result], settings: Mapping[str, Any], arguments: Namespace) -> None:
    from nasir.apps.evaluate.output import write_csv
    from nasir.cli.tables import print_json

    if arguments.json:
        print_json({**settings, "results": [result.mapping for result in results]})
    elif arguments.csv:
        write_csv(results, sys.stdout)
    elif results:
        _print_tables(results)


def _print_tables(results: Sequence[Result]) -> None:
    """Print each picture's figures, then the means side by side where there are several."""
    from nasir.apps.evaluate.output import MEAN, metric_columns, rows_of
    from nasir.apps.formatting import heading
    from nasir.cli.tables import table

    names = metric_columns(results)
    rows = [
        ["" if number else result.name, picture, *_cells(names, figures)]
        for result in results
        for number, (picture, figures) in enumerate(rows_of(result))
    ]
    header = ["", "picture", *map(heading, names)]
    print(table(header, rows, right=range(2, len(header))))
    means = [(result.name, result.metrics) for result in results if result.error is None]
    if len(means) > 1:
        rows = [[name, *_cells(names, mean)] for name, mean in means]
        print()
        print(table([MEAN, *map(heading, names)], rows, right=range(1, len(names) + 1)))
    for result in results:
        if result.error is not None:
            print(f"\n{result.name} failed: {result.error}")


def _cells(names: Sequence[str], figures: Mapping[str, float]) -> list[str]:
    from nasir.apps.formatting import figure

    cells = {name: figure(name, value) for name, value in figures.items()}
    if "seconds" in figures:
        cells["seconds"] = f"{figures['seconds']:.2f}"
    return [cells.get(name, "") for name in names]
