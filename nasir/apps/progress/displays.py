"""What is shown of searches, sweeps, trainings and other work in progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

import attrs

from nasir.apps.formatting import figure, scored
from nasir.apps.progress.notebook import in_notebook
from nasir.apps.progress.screen import Row, Screen
from nasir.apps.progress.showing import screen
from nasir.apps.search.tally import Tally
from nasir.core.progress import listening

if TYPE_CHECKING:
    from nasir.apps.search.parallel import RunReport, TakeReport
    from nasir.core.trial import Trial
    from nasir.runs.run import Run


class Display(Protocol):
    """A display that receives progress."""

    def receive(self, done: int, total: int, figures: Mapping[str, float]) -> None: ...


SomeDisplay = TypeVar("SomeDisplay", bound=Display)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

Notify = Callable[..., None]
"""Called with the name of a hook and its arguments."""


@contextmanager
def show_work(name: str) -> Iterator[None]:
    """Show one piece of work that reports its progress; without a terminal nothing."""
    with screen() as shown, listening(Work(shown, name).receive):
        yield


def shown_in_notebook(name: str) -> Callable[[Callable[Arguments, Result]], Callable[..., Result]]:
    """In a notebook, show the progress that a function reports, as a row called `name`."""

    def shown(verb: Callable[Arguments, Result]) -> Callable[..., Result]:
        @wraps(verb)
        def call(*arguments: Any, **settings: Any) -> Result:
            if not in_notebook():
                return verb(*arguments, **settings)
            with show_work(name):
                return verb(*arguments, **settings)

        return call

    return shown


@contextmanager
def show_training(quiet: bool) -> Iterator[None]:
    """Show a training that reports its progress."""
    with screen(quiet) as shown, listening(TrainingDisplay(shown).receive):
        yield


@contextmanager
def show_search(trials: int, quiet: bool, remarks: Sequence[str] = ()) -> Iterator[Notify]:
    """Show a run of so many `trials` by its hooks, which go to the function that is returned.

    The `remarks` are printed before.
    """
    _print(remarks, quiet)
    with shown_display(lambda shown: SearchDisplay(shown, Tally(trials)), quiet) as display:
        yield hooks_of(display)


@contextmanager
def show_sweep(runs: int, quiet: bool, remarks: Sequence[str] = ()) -> Iterator[TakeReport]:
    """Show so many runs in processes of their own by their reports, after `remarks`."""
    _print(remarks, quiet)
    with screen(quiet) as shown:
        yield SweepDisplay(shown, runs).receive


def _print(remarks: Sequence[str], quiet: bool) -> None:
    for remark in () if quiet else remarks:
        with suppress(OSError):
            print(remark, file=sys.stderr)


@contextmanager
def shown_display(make: Callable[[Screen], SomeDisplay], quiet: bool) -> Iterator[SomeDisplay]:
    """A display on a screen, which receives the progress that is reported."""
    with screen(quiet) as shown:
        display = make(shown)
        with listening(display.receive):
            yield display


def hooks_of(display: object) -> Notify:
    """Hand each hook to the method of its name, where `display` has one."""

    def notify(hook: str, **arguments: Any) -> None:
        method = getattr(display, hook, None)
        if method is not None:
            method(**arguments)

    return notify


@attrs.define
class Work:
    """One row with a percentage."""

    screen: Screen
    name: str

    def receive(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        words = f"{done / total:.0%}" if total else ""
        self.screen.rows[self.name] = Row(done, total, words)


@attrs.define
class TrainingDisplay:
    """A row, or the first figures, the last, and some between."""

    screen: Screen
    began: float | None = None
    first: int = 0
    """Steps that were done when this process began."""

    def receive(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        begins = self.began is None
        if self.began is None:
            self.began, self.first = time.monotonic(), done

        def left() -> float | None:
            return self._left(done, total)

        row = Row(done, total, f"{done}/{total}  {figures_in_words(figures)}", left)
        self.screen.rows["training"] = row
        if begins or done >= total:
            self.screen.print(f"step {row}")
        else:
            self.screen.print_now_and_then(f"step {row}")

    def _left(self, done: int, total: int) -> float | None:
        if self.began is None or not self.first < done < total:
            return None
        return (time.monotonic() - self.began) * (total - done) / (done - self.first)


@attrs.define
class SearchDisplay:
    """The search and the evaluations in flight, or a line for each evaluation that has ended."""

    screen: Screen
    tally: Tally
    flying: list[str] = attrs.field(factory=list)
    share: float = 0.0
    """How much of the evaluation in flight is done."""
    began: float = attrs.field(factory=time.monotonic)

    def __attrs_post_init__(self) -> None:
        self.screen.title = "getting ready"

    def run_started(self, run: Run) -> None:
        self.tally.begin(run)
        self.began = time.monotonic()
        self.screen.title = str(run.folder)
        self._draw()
        before = f", {self.tally.done} done before" if self.tally.done else ""
        self.screen.print(f"run {run.folder}: {self.tally.planned} trials{before}")

    def trial_started(self, run: Run, trial: Trial) -> None:
        self._begin(f"trial {trial.number}")

    def trial_finished(self, run: Run, trial: Trial) -> None:
        tally, name = self.tally, f"trial {trial.number}"
        tally.add(trial)
        self._end(name)
        words = (
            f"complete  {result(trial)}  {tally}" if trial.state == "complete" else result(trial)
        )
        line = (f"{tally.done}/{tally.planned}", name, words, *seconds(trial))
        self.screen.print("  ".join(line))

    def final_started(self, run: Run, name: str, split: str, trial: Trial) -> None:
        self.tally.searched = True
        self._begin(f"final {name} ({split} pictures)")

    def final_finished(self, run: Run, name: str, split: str, trial: Trial) -> None:
        self.tally.finals += 1
        what = f"final {name} ({split} pictures)"
        self._end(what)
        self.screen.print("  ".join((what, result(trial), *seconds(trial))))

    def receive(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """Take in the progress of the fit in flight."""
        self.share = done / total if total else 0.0
        if self.flying:
            steps = f"{done}/{total}" if total else ""
            words = (", ".join(self.flying), steps, figures_in_words(figures))
            self.screen.rows["fit"] = Row(done, total, "  ".join(filter(None, words)))

    def _begin(self, what: str) -> None:
        self.flying.append(what)
        self.receive(0, 0, {})

    def _end(self, what: str) -> None:
        self.flying = [other for other in self.flying if other != what]
        self.screen.rows.pop("fit", None)
        self.receive(0, 0, {})
        self._draw()

    def _draw(self) -> None:
        tally = self.tally
        failed = f"{tally.failed} failed" if tally.failed else ""
        words = "  ".join(filter(None, (f"{tally.done}/{tally.planned}", str(tally), failed)))
        self.screen.rows["search"] = Row(tally.done, tally.planned, words, self._left)

    def _left(self) -> float | None:
        return self.tally.left(time.monotonic() - self.began, self.share)


@attrs.define
class SweepDisplay:
    """A row for each active run, or a line for each report."""

    screen: Screen
    runs: int
    over: int = 0

    def __attrs_post_init__(self) -> None:
        self._draw()

    def receive(self, number: int, report: RunReport) -> None:
        name, progress = f"run {number + 1}", f"{report.done}/{report.planned}  {report.best}"
        rows = self.screen.rows
        if report.state == "running":
            rows[name] = Row(report.done, report.planned, f"{progress}  {report.folder}")
            words = progress if report.done else "begun"
        else:
            rows.pop(name, None)
            self.over += 1
            words = report.state
        self._draw()
        self.screen.print(f"{name} of {self.runs}  {report.folder}  {words}")

    def _draw(self) -> None:
        self.screen.rows["runs"] = Row(self.over, self.runs, f"{self.over}/{self.runs}")


def figures_in_words(figures: Mapping[str, float]) -> str:
    """Figures in a line."""
    return "  ".join(f"{name.replace('_', ' ')} {figure(name, v)}" for name, v in figures.items())


def result(trial: Trial) -> str:
    """The score of a trial, or why it failed."""
    if trial.state != "complete":
        return f"failed: {trial.reason}"
    return f"score {scored(trial.score, trial.proposal.stage)}" if trial.score is not None else ""


def seconds(trial: Trial) -> list[str]:
    return [f"{trial.seconds:.1f} s"] if trial.seconds is not None else []
