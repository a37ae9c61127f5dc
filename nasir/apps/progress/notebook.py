"""Progress in a notebook: one output that is drawn anew, and is empty in the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nasir.apps.progress.screen import Row, Screen
from nasir.apps.report.markup import Html, tag

EVERY = 0.25
"""Seconds between two drawings at least."""


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


@contextmanager
def notebook_screen() -> Iterator[Screen]:
    """A screen below the cell for as long as some work takes."""
    from IPython.display import HTML, display

    handle = display(HTML(""), display_id=True)
    rows = DrawnRows(lambda html: handle.update(HTML(html)))
    rows.screen = Screen(rows=rows)
    try:
        yield rows.screen
    finally:
        rows.show("")


class DrawnRows(dict[str, Row]):
    """The rows of a screen, which draw it when one changes, but not too often."""

    def __init__(self, show: Callable[[str], object]) -> None:
        super().__init__()
        self.show = show
        self.screen = Screen()
        self.drawn = 0.0

    def __setitem__(self, name: str, row: Row) -> None:
        super().__setitem__(name, row)
        if time.monotonic() - self.drawn >= EVERY:
            self.show(as_html(self.screen))
            self.drawn = time.monotonic()


def as_html(screen: Screen) -> Html:
    """The title and a bar for each row."""
    lines = [tag("tr", map(_cell, (n, _bar(row), str(row)))) for n, row in screen.rows.items()]
    return tag("div", tag("small", screen.title), tag("table", lines))


def _cell(content: str) -> Html:
    return tag("td", content, style="text-align: left")


def _bar(row: Row) -> Html:
    return tag("progress", max=row.total, value=row.done) if row.total else tag("progress")
