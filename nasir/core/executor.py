"""Where evaluations run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Executor


class ExecutorFactory(ABC):
    """Makes the executor of a run. A subclass is an attrs class; its fields are its settings."""

    @abstractmethod
    def start(self, workers: int) -> Executor:
        """An executor that runs `workers` evaluations at a time.

        A task whose worker dies or runs out of time must end its future with an exception.
        """
