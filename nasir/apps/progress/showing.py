"""Where progress is shown: a notebook's cell, bars on a terminal, lines anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from nasir.apps.progress.notebook import in_notebook, notebook_screen
from nasir.apps.progress.screen import Screen


@contextmanager
def screen(quiet: bool = False) -> Iterator[Screen]:
    """A screen for as long as some work takes; its bars vanish at the end."""
    if quiet:
        yield Screen()
        return
    if in_notebook():
        with notebook_screen() as shown:
            yield shown
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield Screen(lines=True)
        return
    shown, redirect = Screen(), sys.stdout.isatty()
    with Live(
        console=console, get_renderable=shown.render, transient=True, redirect_stdout=redirect
    ):
        yield shown
