"""``nasir run``: search for an architecture."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nasir.cli.command import Command
from nasir.core.errors import SettingsError

if TYPE_CHECKING:
    from nasir.runs.run import Run
    from nasir.settings.experiment import Experiment

EXAMPLES = """
WORD is key=value, a settings file NAME.toml, or a recipe; later ones win.
  space=nasdip          picks a component (nasir list), space.depth=4 sets its field
  seed=0,1,2  seed=0..9 a comma list or a range makes one run for each value
  trials=50 workers=2   settings of the run itself (nasir describe run)
With --parallel N the runs of a sweep go N at a time, each with its share of the threads.
"""


class RunCommand(Command):
    """Search, show it live, and end with what was found beside the baseline."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*", metavar="WORD", help="a setting; see below")
        parser.add_argument("--json", action="store_true", help="print the summary alone, as JSON")
        parser.add_argument("--quiet", action="store_true", help="print the result alone")
        parser.add_argument(
            "--parallel", type=int, metavar="N", default=1, help="runs of a sweep at a time"
        )
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.search import search as api
        from nasir.apps.search.parallel import thread_share

        at_a_time = arguments.parallel
        if at_a_time < 1:
            raise SettingsError(f"--parallel {at_a_time}: so many runs at a time, from 1")
        plans = api.plan(arguments.words, {})  # first: a misspelt word is refused at once
        at_a_time = min(at_a_time, len(plans))
        if at_a_time > 1:
            share = thread_share(arguments.words, plans, at_a_time)
            plans = api.plan([*arguments.words, *share], {})
        from nasir.apps.compare.comparison import Comparison
        from nasir.cli.comparison_tables import print_runs
        from nasir.cli.tables import print_json, print_summary
        from nasir.runs.summary import summary

        search = _one_by_one if at_a_time == 1 else _in_parallel
        runs = search(plans, arguments.quiet or arguments.json, at_a_time)
        if not runs:
            raise KeyboardInterrupt
        contents = [summary(run) for run in runs]
        if arguments.json:
            print_json(contents[0] if len(plans) == 1 else contents)
        elif len(runs) == 1:
            print_summary(runs[0])
        else:
            print_runs(Comparison(runs))
            for run in runs:
                if run.state in ("interrupted", "stopped"):
                    print(f"next  nasir resume {shlex.quote(str(run.folder))}")
        if len(runs) < len(plans) or any(run.state == "interrupted" for run in runs):
            return exit_code("interrupted", False)
        stopped = any(run.state == "stopped" for run in runs)
        return exit_code("stopped" if stopped else "finished", bool(contents[-1]["best"]))


def _one_by_one(plans: Sequence[Experiment], quiet: bool, at_a_time: int) -> list[Run]:
    from nasir.apps.progress.displays import show_search
    from nasir.apps.search import search as api

    runs: list[Run] = []
    for number, planned in enumerate(plans):
        remarks = () if number else planned.problem.task.remarks()
        with show_search(planned.trials, quiet, remarks) as notify:
            runs.append(api.start(planned, notify))
        if runs[-1].state == "interrupted":
            break
    return runs


def _in_parallel(plans: Sequence[Experiment], quiet: bool, at_a_time: int) -> list[Run]:
    from nasir.apps.progress.displays import show_sweep
    from nasir.apps.search.parallel import in_parallel

    for planned in plans:
        planned.check()
    remarks = plans[0].problem.task.remarks()
    with show_sweep(len(plans), quiet, remarks) as report:
        return in_parallel(plans, at_a_time, report)


def exit_code(state: str, found: bool) -> int:
    """0, or 130 after an interruption, or 1 where too many or all trials failed."""
    if state == "interrupted":
        return 130
    return 0 if found and state != "stopped" else 1
