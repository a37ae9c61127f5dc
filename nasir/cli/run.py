"""``nasir run``: search for an architecture."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from nasir.cli.command import Command

if TYPE_CHECKING:
    from nasir.apps.search.sweep import Continuation
    from nasir.core.task import Split, Task
    from nasir.runs.run import Run
    from nasir.runs.sweep import Sweep
    from nasir.settings.experiment import Experiment

EXAMPLES = """
WORD is key=value, a settings file NAME.toml, or a recipe; later ones win.
  space=nasdip          picks a component (nasir list), space.depth=4 sets its field
  seed=0,1,2  seed=0..9 a comma list or a range makes one run for each value
  trials=50 workers=2   settings of the run itself (nasir describe run)
  name=mine             what the folder is called: of a run, or of the sweep in which its runs are
With --parallel N the runs of a sweep go N at a time, each with its share of the threads.
A sweep that was ended goes on with: nasir resume SWEEP
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
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="print what would be searched, and about how long",
        )
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.search.sharing import shared_plan

        # first: a misspelt word is refused at once
        plans = shared_plan(arguments.words, {}, arguments.parallel)
        if arguments.dry_run:
            return print_plans(plans, arguments.json)
        quiet = arguments.quiet or arguments.json
        if len(plans) > 1:
            from nasir.apps.search.sweep import Continuation, create, removed_unless_begun

            remarks = remarks_on(plans)
            made = create(plans)
            with removed_unless_begun(made):
                return conduct(made, arguments.parallel, Continuation(), arguments, remarks)
        from nasir.apps.progress.displays import show_search
        from nasir.apps.search import search as api

        with show_search(plans[0].trials, quiet, remarks_on(plans)) as notify:
            run = api.start(plans[0], notify)
        return print_run(run, run.state, arguments.json)


def remarks_on(plans: Sequence[Experiment]) -> Sequence[str]:
    """What the tasks of the runs remark about their pictures, each once."""
    used: list[tuple[Task, Split | None]] = []
    for one in plans:
        pair = (one.problem.task, one.problem.searched)
        if pair not in used:
            used.append(pair)
    return list(dict.fromkeys(remark for task, split in used for remark in task.remarks(split)))


def print_plans(plans: Sequence[Experiment], as_json: bool) -> int:
    """Print what would be searched; the time is that of the first run of several."""
    from nasir.apps.search.dry_run import described
    from nasir.cli.tables import print_json, table

    for plan in plans:
        plan.executor.check_workers(plan.settings.workers)
    rows = [("runs", str(len(plans)))] if len(plans) > 1 else []
    rows += [("pictures", remark) for remark in remarks_on(plans)]
    rows += described(plans[0])
    if as_json:
        print_json(dict(rows))
    else:
        print(table((), rows, fold=1))
    return 0


def print_run(run: Run, state: str, as_json: bool) -> int:
    """Print what came of a run that was left in a state; returns the exit code."""
    from nasir.cli.tables import print_json, print_summary
    from nasir.runs.summary import summary

    content = summary(run)
    if as_json:
        print_json(content)
    else:
        print_summary(run)
    return exit_code(state, bool(content["best"]))


def conduct(
    sweep: Sweep,
    parallel: int,
    how: Continuation,
    arguments: Namespace,
    remarks: Sequence[str] = (),
) -> int:
    """Search what is left of a sweep, show it, and print what came of it; returns the exit code.

    `remarks` are shown first.
    """
    from nasir.apps.compare.comparison import Comparison
    from nasir.apps.progress.displays import show_search, show_sweep
    from nasir.apps.search import sweep as api
    from nasir.cli.comparison_tables import print_runs
    from nasir.cli.tables import print_json
    from nasir.runs.summary import summary

    quiet = arguments.quiet or arguments.json
    runs = sweep.runs
    interrupted = True
    with suppress(KeyboardInterrupt):
        if parallel == 1:
            interrupted = api.conduct(
                runs,
                1,
                how,
                lambda run: show_search(
                    how.trials or run.planned_trials, quiet, remarks if run is runs[0] else ()
                ),
            )
        else:
            with show_sweep(len(runs), quiet, remarks) as report:
                interrupted = api.conduct(runs, parallel, how, report=report)
    begun = sweep.begun
    contents = [summary(run) for run in begun]
    if arguments.json:
        print_json(contents)
    elif begun:
        print_runs(Comparison(begun))
    finished = sum(content["state"] == "finished" for content in contents)
    if finished < len(runs):
        if not arguments.json:
            print(f"\n{finished} of {len(runs)} runs are finished")
            print(f"next  nasir resume {shlex.quote(str(sweep.folder))}")
        return exit_code("interrupted" if interrupted else "stopped", False)
    return exit_code("finished", bool(contents and contents[-1]["best"]))


def exit_code(state: str, found: bool) -> int:
    """0, or 130 after an interruption, or 1 where too many or all trials failed."""
    if state == "interrupted":
        return 130
    return 0 if found and state != "stopped" else 1
