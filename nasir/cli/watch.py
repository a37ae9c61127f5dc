"""``nasir watch``: follow a run from another terminal."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import redirect_stderr
from typing import TYPE_CHECKING

import attrs

from nasir.cli.command import Command

if TYPE_CHECKING:
    from nasir.cli.live import Tally
    from nasir.runs.run import Run

EVERY = 1.0
"""Seconds between two looks."""


class WatchCommand(Command):
    """Show how a run goes, until it ends; only reads, so the run is not disturbed."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="RUN", help="the run's folder")
        parser.add_argument("--once", action="store_true", help="show how it stands and leave")

    def run(self, arguments: Namespace) -> int:
        from nasir.cli.live import Tally, watched
        from nasir.runs.run import Run

        run = Run(arguments.folder)
        planned = run.progress.get("trials") or run.settings.get("trials", 0)
        if arguments.once:
            tally = Tally(planned)
            tally.begin(run)
            print(_standing(run, tally))
            return 0
        # what a search tells beside its result is the result here
        with redirect_stderr(sys.stdout), watched(planned, quiet=False) as notify:
            follower = Follower(run, notify)
            while follower.look() == "running":
                time.sleep(EVERY)
        print(_ended(run))
        return 0 if run.state == "finished" else 1


_THE_TRIAL = ("found", "search")
"""Stored among the final evaluations, but no other than the trial that was found."""


@attrs.define(eq=False)
class Follower:
    """Calls the hooks of what has happened in a run since it last looked."""

    run: Run
    notify: Callable[..., None]
    _begun: bool = False
    _next: int = 0
    """All trials before this one have ended."""
    _ended: set[int] = attrs.field(init=False, factory=set)
    _started: set[int] = attrs.field(init=False, factory=set)
    _finals: set[tuple[str, str]] = attrs.field(init=False, factory=lambda: {_THE_TRIAL})

    def look(self) -> str:
        """Tell all that is new; the state that the run was in before."""
        state = self.run.state
        if not self._begun:
            self._begin()
            return state
        for trial in self.run.trials_from(self._next):
            if trial.number in self._ended:
                continue
            if trial.number not in self._started:
                self._started.add(trial.number)
                self.notify("trial_started", run=self.run, trial=trial)
            if trial.state != "running":
                self._started.discard(trial.number)
                self._ended.add(trial.number)
                self.notify("trial_finished", run=self.run, trial=trial)
        self._forget_old()
        for key, trial in self.run.finals.items():
            if key not in self._finals:
                self._finals.add(key)
                name, split = key
                self.notify("final_finished", run=self.run, name=name, split=split, trial=trial)
        return state

    def _begin(self) -> None:
        """What was before counts, and is not told one by one."""
        self._begun = True
        before = self.run.trials
        self._ended = {trial.number for trial in before if trial.state != "running"}
        self._finals |= set(self.run.finals)
        self._forget_old()
        self.notify("run_started", run=self.run)

    def _forget_old(self) -> None:
        while self._next in self._ended:
            self._ended.remove(self._next)
            self._next += 1


def _standing(run: Run, tally: Tally) -> str:
    """How far a run is, in one line."""
    flying = [f"trial {t.number}" for t in run.trials if t.state == "running"]
    parts = [f"{run.folder}: {run.state}", f"{tally.done}/{tally.planned}", str(tally)]
    parts += [f"{tally.failed} failed"] if tally.failed else []
    parts += [f"in flight: {', '.join(flying)}"] if flying and run.state == "running" else []
    return "  ".join(parts)


def _ended(run: Run) -> str:
    """How a run ended, and what to do then."""
    state = run.state
    if state == "finished":
        return f"finished; see it with: nasir show {run.folder}"
    why = {"interrupted": "it was interrupted", "stopped": run.reason or "its process died"}
    return f"{state}: {why.get(state, state)}; go on with: nasir resume {run.folder}"
