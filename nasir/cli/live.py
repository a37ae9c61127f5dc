"""A search as it goes: a live display on a terminal, a line for each trial anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs

from nasir.cli.tables import figure, score
from nasir.core.errors import NasirError
from nasir.core.progress import listening
from nasir.core.trial import Trial, best_of

if TYPE_CHECKING:
    from rich.table import Table

    from nasir.runs.run import Run

Notify = Callable[..., None]


@contextmanager
def watched(trials: int, quiet: bool) -> Iterator[Notify]:
    """Show on standard error what the hooks tell of a run of so many `trials`."""
    if quiet:
        yield lambda hook, **arguments: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _told(Lines(Tally(trials)))
        return
    from rich.live import Live

    display = Display(Tally(trials))
    with (
        Live(
            console=console,
            get_renderable=display.render,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
        ),
        listening(display.hear),
    ):
        yield _told(display)


@attrs.define
class Tally:
    """How far a run is, in a few figures: of all trials only the best is kept."""

    planned: int
    done: int = 0
    failed: int = 0
    best: Trial | None = None
    before: int = 0
    """Trials that were done when this process began."""
    seconds: float | None = None
    """Seconds that the run had left then, None where it has no such limit."""
    references: int = 0
    judging: bool = False
    judged: int = 0

    def begin(self, run: Run) -> None:
        """Count what an earlier process did."""
        for trial in run.trials:
            if trial.state != "running":
                self.add(trial)
        self.before = self.done
        settings, progress = run.settings, run.progress
        self.references = len(settings.get("references", ()))
        limit = progress.get("limit", settings.get("seconds"))
        self.seconds = None if limit is None else limit - progress.get("seconds", 0.0)

    def add(self, trial: Trial) -> None:
        """Count a finished trial."""
        self.done += 1
        self.failed += trial.state == "failed"
        with suppress(NasirError):
            self.best = best_of([trial] if self.best is None else [self.best, trial])

    def left(self, elapsed: float, share: float) -> float | None:
        """Seconds to the end, if evaluations go on as in the `elapsed` ones; None: cannot tell.

        `share`, in [0, 1], is how much of the evaluation in flight is done.
        """
        work = self.done - self.before + self.judged + share
        if work <= 0:
            return None
        each = elapsed / work
        trials: float = 0 if self.judging else max(0, self.planned - self.done)
        if self.seconds is not None:
            trials = min(trials, max(0.0, self.seconds - elapsed) / each)
        return each * max(0.0, trials + max(0, self._finals() - self.judged) - share)

    def _finals(self) -> int:
        """Evaluations after the search: where an architecture's stop is searched, two each."""
        stops = self.best is not None and "stop" in self.best.metrics
        return 1 + self.references * (2 if stops else 1)

    def __str__(self) -> str:
        if self.best is None or self.best.score is None:
            return "no result yet"
        return f"best {score(self.best.score)} (trial {self.best.number})"


@attrs.define
class Lines:
    """One line for each evaluation that has ended."""

    tally: Tally

    def run_started(self, run: Run) -> None:
        self.tally.begin(run)
        done = f", {self.tally.done} done before" if self.tally.done else ""
        self._say(f"run {run.folder}: {self.tally.planned} trials{done}")

    def trial_finished(self, run: Run, trial: Trial) -> None:
        self.tally.add(trial)
        parts = [f"{self.tally.done}/{self.tally.planned}", f"trial {trial.number}"]
        if trial.state == "complete":
            parts.append(f"complete  {_result(trial)}  {self.tally}")
        else:
            parts.append(f"failed: {trial.reason}")
        self._say("  ".join([*parts, *_seconds(trial)]))

    def final_finished(self, run: Run, name: str, split: str, trial: Trial) -> None:
        what = _result(trial) if trial.state == "complete" else f"failed: {trial.reason}"
        self._say("  ".join([f"final {name} ({split} pictures)", what, *_seconds(trial)]))

    def _say(self, line: str) -> None:
        # A search outlives the terminal or pipe that it told its progress to.
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)


@attrs.define
class Display:
    """A few lines that are drawn anew as the search goes."""

    tally: Tally
    folder: str = ""
    flying: list[str] = attrs.field(factory=list)
    steps: tuple[int, int] = (0, 0)
    figures: Mapping[str, float] = attrs.field(factory=dict)
    began: float = attrs.field(factory=time.monotonic)

    def run_started(self, run: Run) -> None:
        self.folder = str(run.folder)
        self.tally.begin(run)
        self.began = time.monotonic()

    def trial_started(self, run: Run, trial: Trial) -> None:
        self._begin(f"trial {trial.number}")

    def trial_finished(self, run: Run, trial: Trial) -> None:
        self.tally.add(trial)
        self._end(f"trial {trial.number}")

    def final_started(self, run: Run, name: str, split: str, trial: Trial) -> None:
        self.tally.judging = True
        self._begin(f"final {name} ({split} pictures)")

    def final_finished(self, run: Run, name: str, split: str, trial: Trial) -> None:
        self.tally.judged += 1
        self._end(f"final {name} ({split} pictures)")

    def hear(self, done: int, total: int, figures: dict[str, float]) -> None:
        """Take in the progress of the fit in flight."""
        self.steps, self.figures = (done, total), figures

    def render(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        tally, (done, total) = self.tally, self.steps
        grid = Table.grid(padding=(0, 2, 0, 0))
        left = tally.left(time.monotonic() - self.began, done / total if total else 0.0)
        search = [f"{tally.done}/{tally.planned}", str(tally)]
        search += [f"{tally.failed} failed"] if tally.failed else []
        search += [f"about {timedelta(seconds=round(left))} left"] if left is not None else []
        bar = ProgressBar(total=tally.planned, completed=tally.done, width=20)
        grid.add_row("search", bar, Text("  ".join(search)))
        if self.flying:
            figures = [f"{n.replace('_', ' ')} {figure(n, v)}" for n, v in self.figures.items()]
            steps = [f"{done}/{total}"] if total else []
            fit = [", ".join(self.flying), *steps, *figures]
            bar = ProgressBar(total=total or None, completed=done, width=20)
            grid.add_row("fit", bar, Text("  ".join(fit)))
        outer = Table.grid()
        outer.add_row(Text(self.folder or "getting ready", style="dim"))
        outer.add_row(grid)
        return outer

    def _begin(self, what: str) -> None:
        self.flying.append(what)
        self.steps, self.figures = (0, 0), {}

    def _end(self, what: str) -> None:
        self.flying = [other for other in self.flying if other != what]
        self.steps, self.figures = (0, 0), {}


def _told(display: object) -> Notify:
    """Hand each hook to the method of its name, where `display` has one."""

    def notify(hook: str, **arguments: Any) -> None:
        method = getattr(display, hook, None)
        if method is not None:
            method(**arguments)

    return notify


def _result(trial: Trial) -> str:
    return f"score {score(trial.score)}" if trial.score is not None else ""


def _seconds(trial: Trial) -> list[str]:
    return [f"{trial.seconds:.1f} s"] if trial.seconds is not None else []
