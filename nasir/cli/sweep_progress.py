"""Several runs as they go: a line for each of them on a terminal, a line a trial anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import attrs

from nasir.cli.parallel import Heard, Told

if TYPE_CHECKING:
    from rich.table import Table


@contextmanager
def watched_sweep(runs: int, quiet: bool) -> Iterator[Heard]:
    """Show on standard error what the processes of so many runs tell."""
    if quiet:
        yield lambda number, told: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield Lines(runs).hear
        return
    from rich.live import Live

    display = Display(runs)
    with Live(
        console=console,
        get_renderable=display.render,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ):
        yield display.hear


@attrs.define
class Lines:
    """A line for each trial that has ended in one of so many `runs`."""

    runs: int

    def hear(self, number: int, told: Told) -> None:
        """Say what a run tells."""
        if told.state != "running":
            what = told.state
        else:
            what = f"{told.done}/{told.planned}  {told.best}" if told.done else "begun"
        # A search outlives the terminal or pipe that it told its progress to.
        with suppress(OSError):
            line = f"run {number + 1} of {self.runs}  {told.folder}  {what}"
            print(line, file=sys.stderr, flush=True)


@attrs.define
class Display:
    """A bar for each run that goes on, and how many of `runs` are over."""

    runs: int
    over: int = 0
    going: dict[int, Told] = attrs.field(factory=dict)

    def hear(self, number: int, told: Told) -> None:
        """Take in what a run tells."""
        if told.state == "running":
            self.going[number] = told
        else:
            self.over += 1
            self.going.pop(number, None)

    def render(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_row(
            "runs", ProgressBar(self.runs, self.over, width=20), f"{self.over}/{self.runs}"
        )
        for number, told in sorted(self.going.items()):
            bar = ProgressBar(told.planned, told.done, width=20)
            text = f"{told.done}/{told.planned}  {told.best}  {told.folder}"
            grid.add_row(f"run {number + 1}", bar, Text(text))
        return grid
