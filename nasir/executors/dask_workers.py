"""What a Dask worker keeps for a run: the processes that evaluate."""

from __future__ import annotations

import weakref
from threading import Lock

from nasir.core.errors import EvaluationError
from nasir.executors.checkpoints import RunCheckpoints
from nasir.executors.cluster_worker import Answer, ClusterWorker
from nasir.executors.environment import WorkerEnvironment
from nasir.executors.worker_loop import pack_answer

_pools: weakref.WeakValueDictionary[str, DaskWorkers] = weakref.WeakValueDictionary()
"""The pools of this process, by run."""


class DaskWorkers:
    """The workers of one run in one Dask worker, as many as it evaluates at a time.

    Dask keeps this like any result. A copy goes to another Dask worker without the processes. If
    the process that holds the run is gone, Dask forgets the result, and the processes end.
    """

    def __init__(
        self,
        run: str,
        environment: WorkerEnvironment,
        seconds: float | None,
        mebibytes: int | None,
    ) -> None:
        self._run = run
        self._settings = environment, seconds, mebibytes
        self._free: list[ClusterWorker] = []
        self._all: list[ClusterWorker] = []
        self._ended = False
        self._lock = Lock()

    def __reduce__(self) -> tuple[object, ...]:
        return DaskWorkers, (self._run, *self._settings)

    def __del__(self) -> None:
        self.end()

    def evaluate(self, call: bytes, run: RunCheckpoints | None) -> Answer:
        """The answer of a free worker, or of a new one."""
        _pools[self._run] = self
        with self._lock:
            if self._ended:
                return Answer(pack_answer(error=EvaluationError("the executor was shut down")))
            if not self._free:
                self._free.append(ClusterWorker(*self._settings))
                self._all += self._free
            worker = self._free.pop()
        answer = worker.run(call, run)
        with self._lock:
            self._free.append(worker)
        return answer

    def end(self) -> None:
        """Kill all workers; calls that run there end with an error."""
        with self._lock:
            self._ended = True
            workers, self._all, self._free = self._all, [], []
        for worker in workers:
            worker.end()


def evaluate(workers: DaskWorkers, call: bytes, run: RunCheckpoints | None) -> Answer:
    """The answer to a call; the task that Dask runs."""
    return workers.evaluate(call, run)


def end(run: str) -> None:
    """End the workers of a run in this process, if it has any."""
    workers = _pools.get(run)
    if workers is not None:
        workers.end()
