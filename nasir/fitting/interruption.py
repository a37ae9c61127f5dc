"""Ctrl-C in the middle of a fit."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import attrs


@attrs.define
class Interruption:
    """Whether a person has asked for an end."""

    happened: bool = False


@contextmanager
def deferred() -> Iterator[Interruption]:
    """Note the first Ctrl-C instead of raising KeyboardInterrupt; the second one raises it.

    So a fit ends after a whole step, with a state that it can go on from. Where another thread
    than the main one asks, or Ctrl-C is ignored, nothing changes.
    """
    interruption, before = Interruption(), signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield interruption
        return

    def note(number: int, frame: FrameType | None) -> None:
        interruption.happened = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
