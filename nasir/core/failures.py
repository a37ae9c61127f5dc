"""Why an evaluation fails, and when its trial is evaluated again."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from typing import Literal, get_args

import attrs
from attrs import validators as must

from nasir.core.errors import EvaluationError, NasirError

Failure = Literal["error", "memory", "time", "worker"]
"""Why an attempt failed: an exception, too little memory, too little time, a dead worker."""

NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")
"""Messages of torch's plain RuntimeError when memory is short."""


class WorkerDiedError(EvaluationError):
    """The process or the machine that evaluated is gone."""


class TimeLimitError(EvaluationError):
    """An evaluation took longer than it may."""


class MemoryLimitError(EvaluationError):
    """An evaluation took more memory than it may."""


class TooManyFailuresError(NasirError):
    """So many trials in a row failed that the search was given up; it can be resumed."""


@attrs.frozen
class FailurePolicy:
    """How often a trial is attempted, and when a search is given up.

    A trial whose worker died or that ran out of memory or time has `attempts` (>= 1); with
    `retry_errors`, every trial has. `stop_after` failed trials in a row end the search; None:
    never.
    """

    attempts: int = 2
    retry_errors: bool = False
    stop_after: int | None = None

    def retries(self, failure: Failure, attempt: int) -> bool:
        """Whether a trial is evaluated again after its attempt number `attempt` failed."""
        return attempt < self.attempts and (failure != "error" or self.retry_errors)


@attrs.frozen
class FailedAttempt:
    """An attempt after which the trial was evaluated again; `error` is as in a failed trial."""

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
    """The kind of failure that an exception means."""
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
