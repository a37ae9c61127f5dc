"""The tries of trials that failed and are tried again."""

from __future__ import annotations

import logging

import attrs

from nasir.core.evaluation import Outcome
from nasir.core.failures import FailedTry, FailurePolicy

log = logging.getLogger("nasir")


@attrs.define
class Tries:
    """The failed tries of the trials in flight, by number."""

    policy: FailurePolicy
    failed: dict[int, list[FailedTry]] = attrs.field(factory=dict)

    def again(self, outcome: Outcome) -> bool:
        """Whether the trial is tried again: its failed try is then kept, else all are forgotten."""
        ended = outcome.trial
        before = self.failed.pop(ended.number, [])
        if outcome.failure is None or not self.policy.again(outcome.failure, len(before) + 1):
            return False
        last = FailedTry(outcome.failure, ended.started, ended.seconds, ended.worker, ended.error)
        self.failed[ended.number] = [*before, last]
        log.info("trial %d is tried again: %s", ended.number, ended.reason)
        return True

    def smaller(self, number: int) -> int:
        """How many times smaller the next try of a trial is: once for each without memory."""
        return sum(one.failure == "memory" for one in self.failed.get(number, ()))
