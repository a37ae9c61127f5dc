"""Follows a run that another process searches."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from nasir.runs.run import Run

_THE_TRIAL = ("found", "search")
"""Stored among the final evaluations, but it is the trial that was found."""


@attrs.define(eq=False)
class Follower:
    """Calls the hooks of what has happened in a run since its last reading."""

    run: Run
    notify: Callable[..., None]
    _begun: bool = False
    _next: int = 0
    """All trials before this one have ended."""
    _ended: set[int] = attrs.field(init=False, factory=set)
    _started: set[int] = attrs.field(init=False, factory=set)
    _finals: set[tuple[str, str]] = attrs.field(init=False, factory=lambda: {_THE_TRIAL})

    def look(self) -> str:
        """Call the hooks of all that is new; returns the state that the run was in before."""
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
        for key, trial in self.run.final_evaluations.items():
            if key not in self._finals:
                self._finals.add(key)
                name, split = key
                self.notify("final_finished", run=self.run, name=name, split=split, trial=trial)
        return state

    def _begin(self) -> None:
        """What happened before the first reading has no hooks of its own."""
        self._begun = True
        before = self.run.trials
        self._ended = {trial.number for trial in before if trial.state != "running"}
        self._finals |= set(self.run.final_evaluations)
        self._forget_old()
        self.notify("run_started", run=self.run)

    def _forget_old(self) -> None:
        while self._next in self._ended:
            self._ended.remove(self._next)
            self._next += 1
