"""Evaluations that take turns in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_hand_over: ContextVar[Callable[[], None] | None] = ContextVar("hand_over", default=None)


def hand_over() -> None:
    """Let other evaluations of this process go on, before this one waits for a device.

    Nothing happens where there are no others. Torch's generators and cuDNN's flags are afterwards
    as they were.
    """
    others = _hand_over.get()
    if others is not None:
        others()


@contextmanager
def taking_turns(others: Callable[[], None]) -> Iterator[None]:
    """Let :func:`hand_over` call `others`."""
    token = _hand_over.set(others)
    try:
        yield
    finally:
        _hand_over.reset(token)
