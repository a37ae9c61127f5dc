"""Runs of a sweep in processes of their own, several at a time."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.search.tally import Tally
from nasir.core.errors import NasirError
from nasir.executors.main_guard import refuse_without_guard

if TYPE_CHECKING:
    from nasir.apps.search.sweep import Continuation
    from nasir.core.trial import Trial
    from nasir.runs.run import Run


@attrs.frozen
class RunReport:
    """What a run's process reports: the folder, and how far the run is."""

    folder: str
    done: int
    planned: int
    best: str
    state: str = "running"


TakeReport = Callable[[int, RunReport], None]
"""Called with the number of a run, in the order of the plan, and each report of its process."""


@attrs.frozen(eq=False)
class Child:
    """The process of one run."""

    number: int
    process: SpawnProcess
    connection: Connection


def in_parallel(
    runs: Mapping[int, Run], how: Continuation, at_a_time: int, report: TakeReport
) -> bool:
    """Search in the `runs`, so many at a time; returns whether they were interrupted.

    `report` gets their numbers. After Ctrl-C every run that had begun is interrupted, and no other
    begins. Raises :class:`~nasir.core.errors.NasirError` when all are over, where one was refused
    or died.
    """
    refuse_without_guard()
    troubles: list[str] = []
    waiting = list(runs.items())[::-1]
    children: list[Child] = []

    def take(child: Child) -> None:
        try:
            message = child.connection.recv()
        except (EOFError, OSError):
            children.remove(child)
            troubles.extend(_trouble(child, runs[child.number]))
            return
        if isinstance(message, NasirError):
            troubles.append(str(message))
        else:
            report(child.number, message)

    try:
        while waiting or children:
            while waiting and len(children) < at_a_time:
                number, run = waiting.pop()
                children.append(_started(number, run, how))
            _take_all(children, take)
        if troubles:
            raise NasirError(troubles[0])
        return False
    except KeyboardInterrupt:
        with _ignoring_interrupts():
            for child in children:
                child.process.terminate()
            while children:
                _take_all(children, take)
        return True


def _started(number: int, run: Run, how: Continuation) -> Child:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(
        target=_search, args=(there, str(run.folder), how), name=f"run {number}"
    )
    process.start()
    there.close()
    return Child(number, process, here)


def _take_all(children: Sequence[Child], take: Callable[[Child], None]) -> None:
    """Wait until processes report something, or end."""
    ready = wait([child.connection for child in children])
    for child in [child for child in children if child.connection in ready]:
        take(child)


def _trouble(child: Child, run: Run) -> Iterator[str]:
    """Why a process that is over died, where it did; its run can be resumed."""
    child.process.join()
    child.connection.close()
    code = child.process.exitcode
    if code:
        folder = run.folder
        yield f"the process of a run died (exit code {code}) in {folder}: nasir resume {folder}"


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Let no second Ctrl-C disturb the ending of the runs."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _search(connection: Connection, folder: str, how: Continuation) -> None:
    """One run, in its process: it ends in order on SIGTERM, and when its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began this one
    signal.signal(signal.SIGTERM, _interrupt)
    from nasir.apps.search import search as api
    from nasir.runs.run import Run

    try:
        run = Run(folder)
        reporter = Reporter(connection, Tally(how.trials or run.planned_trials))
        api.go_on(run, reporter, *attrs.astuple(how, recurse=False))
    except NasirError as error:
        connection.send(NasirError(str(error)))
    except KeyboardInterrupt:
        return


def _interrupt(*_: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


@attrs.define
class Reporter:
    """Reports to the process that began this one how far its run is."""

    connection: Connection
    tally: Tally

    def __call__(self, hook: str, run: Run, trial: Trial | None = None, **_: Any) -> None:
        if hook == "run_started":
            self.tally.begin(run)
        elif hook == "trial_finished" and trial is not None:
            self.tally.add(trial)
        elif hook != "run_finished":
            return
        state = run.state if hook == "run_finished" else "running"
        best = str(self.tally)
        report = RunReport(str(run.folder), self.tally.done, self.tally.planned, best, state)
        try:
            self.connection.send(report)
        except OSError:  # who began this run is gone
            raise KeyboardInterrupt from None
