"""One screen for all progress.

It is on standard error. Work outlives the terminal or pipe that shows its progress: what cannot be
printed is dropped.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from rich.console import RenderableType

EVERY = 15.0
"""Seconds between two lines about one piece of work."""


@attrs.frozen
class Row:
    """A bar with words: `done` of `total`, which is None where it is unknown.

    `left` computes the seconds to the end each time that the row is drawn; None: unknown.
    """

    done: int
    total: int | None
    words: str = ""
    left: Callable[[], float | None] = lambda: None

    def __str__(self) -> str:
        left = self.left()
        end = "" if left is None else f"about {timedelta(seconds=round(left))} left"
        return "  ".join(filter(None, (self.words, end)))


@attrs.define
class Screen:
    """Rows by name, drawn again and again where there is a terminal, or else lines."""

    lines: bool = False
    title: str = ""
    rows: dict[str, Row] = attrs.field(factory=dict)
    printed: float = attrs.field(factory=time.monotonic)
    """When the last line was printed."""

    def print(self, words: str) -> None:
        """Print a line, where there is no terminal."""
        self.printed = time.monotonic()
        if self.lines:
            with suppress(OSError):
                print(words, file=sys.stderr, flush=True)

    def print_now_and_then(self, words: str) -> None:
        """The same, if the last line is some time ago."""
        if time.monotonic() - self.printed >= EVERY:
            self.print(words)

    def render(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2, 0, 0))
        for name, row in list(self.rows.items()):
            bar = ProgressBar(total=row.total or None, completed=row.done, width=20)
            grid.add_row(Text(name), bar, Text(str(row)))
        return Group(Text(self.title, style="dim"), grid) if self.title else grid
