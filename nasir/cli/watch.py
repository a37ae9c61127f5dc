"""``nasir watch``: follow a run from another terminal."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stderr
from typing import TYPE_CHECKING

from nasir.cli.command import Command, add_run, run_of

if TYPE_CHECKING:
    from nasir.apps.search.tally import Tally
    from nasir.runs.run import Run

EVERY = 1.0
"""Seconds between two readings."""


class WatchCommand(Command):
    """Show the progress of a run until it ends; only reads, so the run is not disturbed."""

    def configure(self, parser: ArgumentParser) -> None:
        add_run(parser)
        parser.add_argument("--once", action="store_true", help="print the state and exit")

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.progress.displays import show_search
        from nasir.apps.search.follower import Follower
        from nasir.apps.search.tally import Tally

        run = run_of(arguments)
        planned = run.planned_trials
        if arguments.once:
            tally = Tally(planned)
            tally.begin(run)
            print(_state(run, tally))
            return 0
        # the progress of a search is the result here
        with redirect_stderr(sys.stdout), show_search(planned, quiet=False) as notify:
            follower = Follower(run, notify)
            while follower.look() == "running":
                time.sleep(EVERY)
        print(_ended(run))
        return 0 if run.state == "finished" else 1


def _state(run: Run, tally: Tally) -> str:
    """The progress of a run in one line."""
    flying = [f"trial {t.number}" for t in run.trials if t.state == "running"]
    parts = [f"{run.folder}: {run.state}", f"{tally.done}/{tally.planned}", str(tally)]
    parts += [f"{tally.failed} failed"] if tally.failed else []
    parts += [f"in flight: {', '.join(flying)}"] if flying and run.state == "running" else []
    return "  ".join(parts)


def _ended(run: Run) -> str:
    """How a run ended, and the command for the next step."""
    state = run.state
    if state == "finished":
        return f"finished; see it with: nasir show {run.folder}"
    why = {
        "planned": "it has not begun",
        "interrupted": "it was interrupted",
        "stopped": run.reason or "its process died",
    }
    return f"{state}: {why.get(state, state)}; continue with: nasir resume {run.folder}"
