"""Progress of a computation while it runs, and its end before it is finished."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar

from nasir.core.within import within

Listener = Callable[[int, int, dict[str, float]], None]

Question = Callable[[], bool]

_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)

_ending: ContextVar[Question | None] = ContextVar("progress_ending", default=None)


def report(done: int, total: int, **figures: float) -> None:
    """Report to the listener that `done` of `total` steps are done, with figures by name."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total, figures)


def listening(listener: Listener) -> AbstractContextManager[None]:
    """Let `listener` receive the reports of evaluations that run in this process."""
    return within(_listener, listener)


def is_over() -> bool:
    """Whether what is computed should end now and give what it has.

    It should where its time is over, or where a person has pressed Ctrl-C.
    """
    asked = _ending.get()
    return asked is not None and asked()


def ending(asked: Question) -> AbstractContextManager[None]:
    """Let :func:`is_over` return what `asked` returns."""
    return within(_ending, asked)
