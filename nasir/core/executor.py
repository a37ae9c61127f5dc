"""Where evaluations run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from nasir.core.errors import SettingsError
from nasir.core.import_strings import is_importable


class InlineExecutor(Executor):
    """Runs a call in this process when it is submitted, and returns when it is done."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class DrivenExecutor(Executor):
    """Its calls go on only while somebody waits for them, in an order that never changes."""

    @abstractmethod
    def drive(self) -> None:
        """Go on with the calls until one of them has ended."""


def first_ended(executor: Executor, futures: Collection[Future[Any]]) -> set[Future[Any]]:
    """Those of `futures`, calls of `executor`, that have ended: one at least is waited for."""
    ended = {future for future in futures if future.done()}
    if ended:
        return ended
    if isinstance(executor, DrivenExecutor):
        executor.drive()
    return set(wait(futures, return_when=FIRST_COMPLETED).done)


class ExecutorFactory(ABC):
    """Makes the executor of a run. A subclass is an attrs class; its fields are its settings."""

    @abstractmethod
    def start(self, workers: int) -> Executor:
        """An executor that runs `workers` evaluations at a time.

        If a worker dies or exceeds a limit, the future of its evaluation must have an exception of
        :mod:`nasir.core.failures`: it decides whether the trial is evaluated again.
        """

    def check(self) -> None:  # noqa: B027 (most run anywhere)
        """Refuse, before anything begins, to start from a program in which it cannot work."""

    def check_workers(self, workers: int) -> None:  # noqa: B027 (most start none by themselves)
        """Refuse, before anything begins, more workers than it can have."""

    def can_import(self, component: type) -> bool:
        """Whether its workers can import the class of a component.

        By default as far as another process of this machine can.
        """
        return is_importable(component)

    def within(self, seconds: float | None, mebibytes: int | None) -> ExecutorFactory:
        """The factory with limits on each evaluation; None: no limit.

        Raises :class:`~nasir.core.errors.SettingsError` for a limit that it cannot enforce; by
        default for any.
        """
        if seconds is None and mebibytes is None:
            return self
        limit = f"memory_limit={mebibytes}" if seconds is None else f"time_limit={seconds:g}"
        raise SettingsError(f"{limit}: this executor cannot enforce it; take another one")
