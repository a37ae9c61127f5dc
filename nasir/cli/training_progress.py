"""How far a training is: a bar with its figures on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta

import attrs

EVERY = 15.0
"""Seconds between two lines."""


@contextmanager
def training_progress(quiet: bool) -> Iterator[None]:
    """Show on standard error what is reported meanwhile (see :mod:`nasir.core.progress`)."""
    if quiet:
        yield
        return
    from nasir.core.progress import listening

    if not sys.stderr.isatty():
        with listening(Lines().hear):
            yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("training"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        shown = progress.add_task("training", total=None, figures="", start=False)

        def hear(done: int, total: int, figures: Mapping[str, float]) -> None:
            if progress.tasks[0].total is None:  # a training that is gone on with is here at once
                progress.reset(shown, total=total, completed=done)
            progress.update(shown, completed=done, figures=spelt(figures))

        with listening(hear):
            yield


@attrs.define
class Lines:
    """Says the first figures and, every so many seconds, those of then."""

    began: float | None = None
    first: int = 0
    told: float = 0.0

    def hear(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """Take in a report."""
        now = time.monotonic()
        if self.began is None:
            self.began, self.first = now, done
        elif now - self.told < EVERY and done < total:
            return
        self.told = now
        line = f"step {done}/{total}  {spelt(figures)}"
        if self.first < done < total:
            seconds = (now - self.began) * (total - done) / (done - self.first)
            line += f"  about {timedelta(seconds=round(seconds))} left"
        # The work outlives the terminal or pipe that it told its progress to.
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)


def spelt(figures: Mapping[str, float]) -> str:
    """Figures in a line."""
    from nasir.cli.tables import figure

    return "  ".join(f"{name.replace('_', ' ')} {figure(name, v)}" for name, v in figures.items())
