"""A bar for one piece of work, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def progress_bar(name: str) -> Iterator[None]:
    """Show on standard error what is reported meanwhile (see :mod:`nasir.core.progress`)."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress

    from nasir.core.progress import listening

    with Progress(console=Console(stderr=True), transient=True) as progress:
        shown = progress.add_task(name, total=None)

        def hear(done: int, total: int, figures: Mapping[str, float]) -> None:
            progress.update(shown, completed=done, total=total)

        with listening(hear):
            yield
