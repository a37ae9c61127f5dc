"""What an evaluation can fail of, and what becomes of a trial then."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from typing import Literal, get_args

import attrs
from attrs import validators as must

from nasir.core.errors import EvaluationError, NasirError

Failure = Literal["error", "memory", "time", "worker"]
"""Why a try failed: what was raised, too little memory, too little time, a dead worker."""

NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")
"""What torch says where it has no class of its own for it."""


class WorkerDiedError(EvaluationError):
    """The process or the machine that evaluated is gone."""


class TimeLimitError(EvaluationError):
    """An evaluation took longer than it may."""


class MemoryLimitError(EvaluationError):
    """An evaluation took more memory than it may."""


class TooManyFailuresError(NasirError):
    """So many trials in a row failed that the search was given up; it can be gone on with."""


@attrs.frozen
class FailurePolicy:
    """How often a trial is tried, and when a search is given up.

    `tries` (>= 1) are of trials whose worker died or that ran out of memory or time, and with
    `retry_errors` of all. `stop_after` failed trials in a row end the search; None: never.
    """

    tries: int = 2
    retry_errors: bool = False
    stop_after: int | None = None

    def again(self, failure: Failure, tries: int) -> bool:
        """Whether a trial that has just failed, for the time of number `tries`, is tried again."""
        return tries < self.tries and (failure != "error" or self.retry_errors)


@attrs.frozen
class FailedTry:
    """A try after which the trial was tried again; `error` is as that of a failed trial."""

    failure: Failure = attrs.field(validator=must.in_(get_args(Failure)))
    started: float | None
    seconds: float | None
    worker: str | None
    error: str | None = attrs.field(validator=must.optional(must.instance_of(str)))

    @property
    def reason(self) -> str:
        """Why it failed, in one line."""
        return (self.error or "").partition("\n")[0]


def failure_of(error: BaseException) -> Failure:
    """What kind of failure an exception tells of."""
    if isinstance(error, TimeLimitError):
        return "time"
    if isinstance(error, WorkerDiedError | BrokenExecutor):
        return "worker"
    named = type(error).__name__ == "OutOfMemoryError"  # torch's, which is not imported here
    if named or isinstance(error, MemoryError | MemoryLimitError):
        return "memory"
    if isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY):
        return "memory"
    return "error"
