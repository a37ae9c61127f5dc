"""``nasir resume``: continue a run or a sweep."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from nasir.cli.command import Command, add_run


class ResumeCommand(Command):
    """Continue a run, or all of a sweep, after any kind of end, to its limits or to new ones."""

    def configure(self, parser: ArgumentParser) -> None:
        add_run(parser)
        parser.add_argument("--trials", type=int, help="a new number of trials")
        parser.add_argument("--seconds", type=float, help="a new limit in seconds of work")
        parser.add_argument(
            "--take-over",
            action="store_true",
            help="take it from a process that owns it but has no heartbeat",
        )
        parser.add_argument(
            "--images", nargs="+", default=(), metavar="FILE", help="where its pictures are now"
        )
        parser.add_argument(
            "--accept-changes",
            action="store_true",
            help="go on from other pictures or versions than it began with; recorded",
        )
        parser.add_argument(
            "--parallel", type=int, metavar="N", default=1, help="runs of a sweep at a time"
        )
        parser.add_argument("--json", action="store_true", help="print the summary alone, as JSON")
        parser.add_argument("--quiet", action="store_true", help="print the result alone")

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.progress.displays import show_search
        from nasir.apps.search import search as api
        from nasir.apps.search.sweep import Continuation
        from nasir.cli.run import conduct, print_run
        from nasir.runs.folder import RUNS, located
        from nasir.runs.listing import latest
        from nasir.runs.ownership import take_over
        from nasir.runs.run import TRIALS, Run
        from nasir.runs.sweep import Sweep, is_sweep

        path = arguments.folder or latest(Path(RUNS))
        sweep = Sweep(path) if is_sweep(located(path, is_sweep)) else None
        runs = sweep.runs if sweep else [Run(path)]
        for run in runs if arguments.take_over else ():
            take_over(run.folder, run.folder / TRIALS)
        given = (arguments.trials, arguments.seconds, arguments.images, arguments.accept_changes)
        if sweep:
            return conduct(sweep, arguments.parallel, Continuation(*given), arguments)
        (run,) = runs
        with show_search(arguments.trials or run.planned_trials, _is_quiet(arguments)) as notify:
            state = api.go_on(run, notify, *given)
        return print_run(run, state, arguments.json)


def _is_quiet(arguments: Namespace) -> bool:
    return bool(arguments.quiet or arguments.json)
