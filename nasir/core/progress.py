"""Progress of an evaluation while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int, dict[str, float]], None]

_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)


def report(done: int, total: int, **figures: float) -> None:
    """Report to the listener that `done` of `total` steps are done, with figures by name."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total, figures)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let `listener` receive the reports of evaluations that run in this process."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
