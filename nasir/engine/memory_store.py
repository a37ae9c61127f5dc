"""Trials in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import attrs

from nasir.core.failures import FailedAttempt
from nasir.core.strategy import Strategy
from nasir.core.trial import Trial
from nasir.core.trial_store import TrialStore


@attrs.define(eq=False)
class MemoryStore(TrialStore):
    """Keeps trials as long as the process lives.

    No search is resumed from it: it keeps no state of the strategy, and a transaction that raises
    leaves what was written.
    """

    _trials: dict[int, Trial] = attrs.field(init=False, factory=dict)
    _pictures: dict[int, Mapping[str, Any]] = attrs.field(init=False, factory=dict)
    _failed: dict[int, list[FailedAttempt]] = attrs.field(init=False, factory=dict)
    _progress: dict[str, Any] = attrs.field(init=False, factory=dict)

    def __str__(self) -> str:
        return "the search in memory"

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def trials(self, start: int = 0) -> list[Trial]:
        return [self._trials[number] for number in sorted(self._trials) if number >= start]

    def save_trial(self, trial: Trial) -> None:
        if trial.pictures:
            self._pictures[trial.number] = trial.pictures
            trial = attrs.evolve(trial, pictures={})
        self._trials[trial.number] = trial

    def pictures(self, number: int) -> Mapping[str, Any]:
        return self._pictures.get(number, {})

    def drop_pictures(self, number: int) -> None:
        self._pictures.pop(number, None)

    def failed_attempts(self, start: int = 0) -> Mapping[int, Sequence[FailedAttempt]]:
        return {number: failed for number, failed in self._failed.items() if number >= start}

    def save_failed_attempt(self, trial: int, number: int, attempt: FailedAttempt) -> None:
        attempts = self._failed.setdefault(trial, [])
        attempts[number - 1 :] = [attempt]

    def strategy_state(self) -> dict[str, Any] | None:
        return None

    def save_strategy(self, strategy: Strategy) -> None:
        pass

    def progress(self) -> Mapping[str, Any]:
        return self._progress

    def save_progress(self, **values: Any) -> None:
        self._progress |= values
