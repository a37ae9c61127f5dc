"""Where a search keeps its trials."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from nasir.core.failures import FailedAttempt
from nasir.core.trial import Trial

if TYPE_CHECKING:
    from nasir.core.strategy import Strategy


class TrialStore(ABC):
    """The trials of one search, the state of its strategy, and how far the search is.

    All writes are inside :meth:`transaction`. ``str(store)`` names the store in messages.
    """

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All writes inside become visible together; a store on disk writes all or nothing."""

    @abstractmethod
    def trials(self, start: int = 0) -> list[Trial]:
        """The trials from number `start` on, in the order of their numbers, without pictures."""

    @abstractmethod
    def save_trial(self, trial: Trial) -> None:
        """Write a trial, over the one of the same number, and its pictures if it has any."""

    @abstractmethod
    def pictures(self, number: int) -> Mapping[str, Any]:
        """The restored pictures that are kept of a trial: arrays ``(H, W, C)`` by name."""

    @abstractmethod
    def drop_pictures(self, number: int) -> None:
        """Delete the pictures of a trial, which its strategy has got by now."""

    @abstractmethod
    def failed_attempts(self, start: int = 0) -> Mapping[int, Sequence[FailedAttempt]]:
        """The failed attempts of the trials from number `start` on, in order, by trial."""

    @abstractmethod
    def save_failed_attempt(self, trial: int, number: int, attempt: FailedAttempt) -> None:
        """Write attempt `number` (from 1) of a trial, which failed and is followed by another."""

    @abstractmethod
    def strategy_state(self) -> dict[str, Any] | None:
        """The strategy's state as it was saved last; None where there is none."""

    @abstractmethod
    def save_strategy(self, strategy: Strategy) -> None:
        """Write the state of a strategy; not needed where no search is resumed from the store."""

    @abstractmethod
    def progress(self) -> Mapping[str, Any]:
        """How far the search is: JSON values by name."""

    @abstractmethod
    def save_progress(self, **values: Any) -> None:
        """Write values of :meth:`progress`; others stay."""
