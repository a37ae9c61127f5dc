"""A restoration that takes longer than it may, or that a person ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from nasir.core.errors import NasirError
from nasir.core.progress import ending
from nasir.fitting.interruption import Interruption, deferred

Notify = Callable[..., None]


class TooSlowError(NasirError):
    """What restores a picture part by part takes longer than it may."""


@attrs.define
class BoundedParts:
    """Hands on the hooks of a restoration; ends it at the part by which it will take too long."""

    seconds: float
    notify: Notify
    began: float | None = None

    def __call__(self, hook: str, **arguments: Any) -> None:
        if hook == "tile_started":
            self._check(**arguments)
        self.notify(hook, **arguments)

    def _check(self, number: int, tiles: int) -> None:
        if self.began is None:
            self.began = time.monotonic()
        if not number:
            return
        expected = (time.monotonic() - self.began) / number * tiles
        if expected > self.seconds:
            raise TooSlowError(
                f"it would take {expected:.0f} s, more than {self.seconds:g} s: seconds= gives more"
            )


@attrs.define
class EarlyEnd:
    """Whether a restoration is to end, at a `deadline` of the monotonic clock or by Ctrl-C.

    `by` says what ended it: "time" or "interruption", or nothing where it was finished.
    """

    deadline: float = math.inf
    interruption: Interruption = attrs.field(factory=Interruption)
    by: str = ""

    def __call__(self) -> bool:
        if self.interruption.happened:
            self.by = "interruption"
        elif time.monotonic() > self.deadline:
            self.by = "time"
        return bool(self.by)


@contextmanager
def ended_early(deadline: float) -> Iterator[EarlyEnd]:
    """Ask what is computed here to end at `deadline` or after Ctrl-C, and to give what it has."""
    with deferred() as interruption:
        early = EarlyEnd(deadline, interruption)
        with ending(early):
            yield early
