"""``nasir paper``: the tables and figures of the papers, made again."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nasir.cli.command import Command

if TYPE_CHECKING:
    from nasir.apps.paper.making import Made, Step
    from nasir.apps.paper.papers import Row
    from nasir.runs.run import Run

EXAMPLES = """
  nasir paper                            the papers' tables and figures, and what is made of each
  nasir paper hinas-table1 --plan        the paper's figures, and what would be run
  nasir paper hinas-table1 --small       that in minutes on two cores
  nasir paper hinas-table1 task.images=BSDS500 seed=0..2
  nasir paper isnas-figure1 runs/A runs/B -o overlap.png
NAME is a table or figure, or a recipe. WORD is key=value, for all recipes of it, or the folder of a
run that has been made already.
"""


class PaperCommand(Command):
    """List the papers' tables and figures, or make one again, beside the paper's figures."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="a table, figure or recipe")
        parser.add_argument("words", nargs="*", metavar="WORD", help="a setting, or a run's folder")
        parser.add_argument(
            "--small", action="store_true", help="cut whatever costs time: minutes on two cores"
        )
        parser.add_argument("--plan", action="store_true", help="run nothing")
        parser.add_argument("--json", action="store_true", help="print the results alone, as JSON")
        parser.add_argument(
            "-o",
            "--output",
            metavar="FILE",
            help="draw: .png, .svg, .pdf; changed cells: .html; restored pictures: a folder",
        )
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.paper.figures import FIGURES
        from nasir.apps.paper.making import runs_among, steps
        from nasir.apps.paper.papers import find

        if arguments.name is None:
            _print_list()
            return 0
        row = find(arguments.name)
        runs, words = runs_among(arguments.words)
        output = _checked_output(row, arguments.output)
        planned = [] if runs else steps(row, words, arguments.small)
        if not arguments.json:
            _print_plan(row, planned)
        if arguments.plan:
            return 0
        if row.makes in FIGURES:
            return _make_figure(row, planned, runs, output, arguments.json)
        return _make_table(row, planned, runs, arguments.small, output, arguments.json)


def _checked_output(row: Row, output: str | None) -> Path | None:
    """Where a figure goes, refused before anything is run if it could not be written."""
    from nasir.apps.compare import plots
    from nasir.apps.paper.figures import FIGURES
    from nasir.apps.report import page
    from nasir.core.errors import SettingsError

    if output is None:
        return None
    file = Path(output).expanduser()
    if row.makes == "evaluate" and row.label.startswith("figure"):
        if file.exists():
            raise SettingsError(f"{file} is there already: name a new folder after -o")
        return file
    if row.makes not in FIGURES:
        raise SettingsError(f"-o is for figures, not for {row.label}")
    check = page.check if row.makes == "changed" else plots.check
    check(file)
    return file


def _print_list() -> None:
    """All rows of all papers."""
    from nasir.apps.paper.papers import papers
    from nasir.cli.tables import table

    for paper in papers().values():
        print(f"{paper.title}: {paper.reference}\n")
        rows = [
            [", ".join(row.names), row.shows, row.made, row.reason, row.command.replace("`", "")]
            for row in paper.rows
        ]
        print(table(["name", "shows", "", "reason", "command"], rows, fold=4), end="\n\n")


def _print_plan(row: Row, planned: Sequence[Step]) -> None:
    """The paper's figures, and the commands that are about to be run."""
    from nasir.cli.tables import table

    print(", ".join(row.names) + (f": {row.shows}" if row.shows else ""))
    if row.reason:
        print(f"{row.made}: {row.reason}")
    if row.values:
        print("\nin the paper")
        rows = [
            [v.recipe, v.row, v.where or "", v.on or "", f"{_named(v.metrics)}"]
            for v in row.values
            if v.recipe in row.recipes
        ]
        print(table((), rows))
    if planned:
        print("\nto be run")
        for step in planned:
            print(f"  {step.command}")
    print(flush=True)


def _named(metrics: object) -> str:
    from nasir.apps.formatting import heading

    return "  ".join(f"{heading(k)} {_figure(k, v)}" for k, v in dict(metrics).items())  # type: ignore[call-overload]


def _figure(name: str, value: float | str) -> str:
    from nasir.apps.formatting import figure

    return value if isinstance(value, str) else figure(name, value)


def _made_runs(planned: Sequence[Step], quiet: bool) -> list[tuple[Step, Run]]:
    """The runs of all steps; an interrupted one ends the command."""
    from nasir.apps.paper.making import experiments
    from nasir.apps.progress.displays import show_search
    from nasir.apps.search import search as api

    runs = []
    for step in planned:
        for one in experiments(step):
            with show_search(one.trials, quiet) as notify:
                run = api.start(one, notify)
            if run.state == "interrupted":
                print(f"next  nasir resume {shlex.quote(str(run.folder))}")
                raise KeyboardInterrupt
            runs.append((step, run))
    return runs


def _make_figure(
    row: Row, planned: Sequence[Step], runs: Sequence[Run], output: Path | None, as_json: bool
) -> int:
    from nasir.apps.compare.plots import draw
    from nasir.apps.paper.figures import FIGURES, cells_page
    from nasir.apps.report import page
    from nasir.cli.tables import print_json, table

    runs = runs or [run for _, run in _made_runs(planned, as_json)]
    made = FIGURES[row.makes](runs)
    if output is not None and row.makes == "changed":
        page.write(output, cells_page(runs))
    elif output is not None:
        draw(output, made.panels)
    if as_json:
        print_json([dict(zip(made.header, one, strict=True)) for one in made.rows])
    else:
        print(table(made.header, made.rows))
    return 0


def _make_table(
    row: Row,
    planned: Sequence[Step],
    runs: Sequence[Run],
    small: bool,
    output: Path | None,
    as_json: bool,
) -> int:
    from nasir.apps.paper.making import beside
    from nasir.cli.tables import print_json, table

    results, failed = _results(row, planned, runs, small, output, as_json)
    lines = beside(row, results)
    names = dict.fromkeys(n for line in lines for n in line.theirs)
    shown = [*names] or ["psnr", "ssim"]
    if as_json:
        print_json([_mapping(line) for line in lines])
    else:
        header = ["", "", ""]
        header += [part for name in shown for part in (name, "in the paper")]
        rows = [
            [
                *(line.recipe, line.name, line.where),
                *(
                    _figure(name, side[name]) if name in side else ""
                    for name in shown
                    for side in (line.ours, line.theirs)
                ),
            ]
            for line in lines
        ]
        print(table(header, rows, right=range(3, len(header))))
    for name, reason in failed.items():
        print(f"{name} failed: {reason}")
    return 1 if failed else 0


def _mapping(line: object) -> dict[str, object]:
    import attrs

    return attrs.asdict(line)  # type: ignore[arg-type]


def _results(
    row: Row,
    planned: Sequence[Step],
    runs: Sequence[Run],
    small: bool,
    output: Path | None,
    quiet: bool,
) -> tuple[list[Made], dict[str, str]]:
    """The results of all steps, or of runs that are there, and why some failed."""
    from nasir.apps.paper import making
    from nasir.apps.progress.displays import show_work

    if row.makes == "evaluate":
        results = []
        for step in planned:
            with show_work(step.recipe):
                results += making.evaluated(step, output)
    else:
        pairs = [(making.recipe_of(row, run), run) for run in runs]
        pairs += [(step.recipe, run) for step, run in _made_runs(planned, quiet)]
        results = []
        for recipe, run in pairs:
            with show_work(str(run.folder)):
                results += making.AFTER[row.makes](recipe, run, small)
    return results, {one.name: one.error for one in results if one.error}
