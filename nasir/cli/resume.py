"""``nasir resume``: continue a run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from nasir.cli.command import Command, add_run, run_of


class ResumeCommand(Command):
    """Continue a run after any kind of end, to its limits or to new ones."""

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
        parser.add_argument("--json", action="store_true", help="print the summary alone, as JSON")
        parser.add_argument("--quiet", action="store_true", help="print the result alone")

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.progress.displays import show_search
        from nasir.apps.search import search as api
        from nasir.cli.run import exit_code
        from nasir.cli.tables import print_json, print_summary
        from nasir.runs.ownership import take_over
        from nasir.runs.run import TRIALS
        from nasir.runs.summary import summary

        run = run_of(arguments)
        if arguments.take_over:
            take_over(run.folder, run.folder / TRIALS)
        trials = arguments.trials or run.planned_trials
        with show_search(trials, arguments.quiet or arguments.json) as notify:
            api.go_on(
                run,
                notify,
                arguments.trials,
                arguments.seconds,
                arguments.images,
                arguments.accept_changes,
            )
        content = summary(run)
        if arguments.json:
            print_json(content)
        else:
            print_summary(run)
        return exit_code(content["state"], bool(content["best"]))
