"""Batches of patches, prepared by threads before they are needed."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING

from nasir.core.seeds import derived_seed
from nasir.core.task import Patches, ResidentPatches

if TYPE_CHECKING:
    from torch import Tensor


class Feed:
    """The batch of each step: a function of seed and step alone.

    Inside ``with feed:`` threads prepare the batches of the next `ahead` steps; outside, a batch is
    made when it is requested. A batch has `count` pairs, whose degraded patches have `side` pixels
    a side.
    """

    def __init__(self, patches: Patches, seed: int, count: int, side: int, ahead: int = 2) -> None:
        self.patches, self.seed, self.count, self.side = patches, seed, count, side
        self.ahead = ahead
        self._threads: ThreadPoolExecutor | None = None
        self._coming: dict[int, Future[tuple[Tensor, Tensor]]] = {}

    def __enter__(self) -> Feed:
        if self.ahead > 0:
            self._threads = ThreadPoolExecutor(self.ahead, thread_name_prefix="feed")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        self._threads, self._coming = None, {}

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Degraded and clean patches, as :meth:`~nasir.core.task.Patches.batch` gives them."""
        if self._threads is None:
            return self._made(step)
        wanted = range(step, step + self.ahead + 1)
        for other in [other for other in self._coming if other not in wanted]:
            self._coming.pop(other).cancel()
        for coming in wanted:
            if coming not in self._coming:
                self._coming[coming] = self._threads.submit(self._made, coming)
        return self._coming.pop(step).result()

    def _made(self, step: int) -> tuple[Tensor, Tensor]:
        return self.patches.batch(derived_seed(self.seed, step), self.count, self.side)


class ResidentFeed:
    """The batch of each step where the pictures are on the device: nothing is prepared before."""

    def __init__(self, patches: ResidentPatches, seed: int, count: int, side: int) -> None:
        self.patches, self.seed, self.count, self.side = patches, seed, count, side

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Degraded and clean patches on the device."""
        return self.patches.batch(derived_seed(self.seed, step), self.count, self.side)
