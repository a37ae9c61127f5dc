"""How far a run is, in a few figures."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from nasir.apps.formatting import scored
from nasir.core.errors import NasirError
from nasir.core.trial import Trial, best_of

if TYPE_CHECKING:
    from nasir.runs.run import Run


@attrs.define
class Tally:
    """Counts the trials of a run and its final evaluations; of all trials only the best is kept."""

    planned: int
    done: int = 0
    failed: int = 0
    best: Trial | None = None
    before: int = 0
    """Trials that were done when this process began."""
    seconds: float | None = None
    """Seconds that the run had left then, None where it has no such limit."""
    references: int = 0
    searched: bool = False
    """Whether the search is over and the final evaluations have begun."""
    finals: int = 0
    """Final evaluations that are done."""

    def begin(self, run: Run) -> None:
        """Count what an earlier process did."""
        for trial in run.trials:
            if trial.state != "running":
                self.add(trial)
        self.before = self.done
        settings, progress = run.settings, run.progress
        self.references = len(settings.get("references", ()))
        limit = progress.get("time_budget", settings.get("seconds"))
        self.seconds = None if limit is None else limit - progress.get("seconds", 0.0)

    def add(self, trial: Trial) -> None:
        """Count a finished trial."""
        self.done += 1
        self.failed += trial.state == "failed"
        with suppress(NasirError):
            self.best = best_of([trial] if self.best is None else [self.best, trial])

    def left(self, elapsed: float, share: float) -> float | None:
        """Seconds to the end, if evaluations take as long as in the `elapsed` ones; None: unknown.

        `share`, in [0, 1], is how much of the evaluation in flight is done.
        """
        work = self.done - self.before + self.finals + share
        if work <= 0:
            return None
        each = elapsed / work
        trials: float = 0 if self.searched else max(0, self.planned - self.done)
        if self.seconds is not None:
            trials = min(trials, max(0.0, self.seconds - elapsed) / each)
        return each * max(0.0, trials + max(0, self._planned_finals() - self.finals) - share)

    def _planned_finals(self) -> int:
        """Evaluations after the search: where an architecture's stop is searched, two each."""
        stops = self.best is not None and self.best.stop is not None
        return 1 + self.references * (2 if stops else 1)

    def __str__(self) -> str:
        if self.best is None or self.best.score is None:
            return "no result yet"
        return (
            f"best {scored(self.best.score, self.best.proposal.stage)} (trial {self.best.number})"
        )
