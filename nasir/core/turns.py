"""Evaluations that take turns in one process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar

from nasir.core.within import within

_hand_over: ContextVar[Callable[[], None] | None] = ContextVar("hand_over", default=None)


def hand_over() -> None:
    """Let other evaluations of this process go on, before this one waits for a device.

    Nothing happens where there are no others. Torch's generators and cuDNN's flags are afterwards
    as they were.
    """
    others = _hand_over.get()
    if others is not None:
        others()


def taking_turns(others: Callable[[], None]) -> AbstractContextManager[None]:
    """Let :func:`hand_over` call `others`."""
    return within(_hand_over, others)
