"""Trials that failed and are evaluated again."""

from __future__ import annotations

import logging

import attrs

from nasir.core.failures import FailedAttempt, FailurePolicy
from nasir.engine.evaluation import Outcome

log = logging.getLogger("nasir")


@attrs.define
class Retries:
    """Decides which trials are evaluated again; `failed` has their failed attempts by number."""

    policy: FailurePolicy
    failed: dict[int, list[FailedAttempt]] = attrs.field(factory=dict)

    def wants(self, outcome: Outcome) -> bool:
        """Whether the trial is evaluated again.

        If it is, its failed attempt is recorded; if not, all its attempts are forgotten.
        """
        ended = outcome.trial
        before = self.failed.pop(ended.number, [])
        if outcome.failure is None or not self.policy.retries(outcome.failure, len(before) + 1):
            return False
        last = FailedAttempt(
            outcome.failure, ended.started, ended.seconds, ended.worker, ended.error
        )
        self.failed[ended.number] = [*before, last]
        log.info("trial %d is evaluated again: %s", ended.number, ended.reason)
        return True

    def smaller(self, number: int) -> int:
        """How many times smaller the next attempt is: once for each that ran out of memory."""
        return sum(one.failure == "memory" for one in self.failed.get(number, ()))
