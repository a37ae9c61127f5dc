"""Evaluations on the workers of a Dask cluster."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import attrs

from nasir.core.component import setting
from nasir.core.errors import EvaluationError, NasirError, SettingsError
from nasir.core.failures import WorkerDiedError
from nasir.executors import dask_workers
from nasir.executors.checkpoints import RunCheckpoints
from nasir.executors.cluster_executor import ClusterExecutor, ClusterFactory, refuse_missing
from nasir.executors.cluster_worker import Answer
from nasir.executors.dask_workers import DaskWorkers
from nasir.executors.environment import WorkerEnvironment

CONNECT_SECONDS = 10
"""Seconds within which a cluster must answer at the address that was given."""

LOGGERS = ("bokeh", "distributed", "distributed.scheduler", "distributed.worker", "tornado")

LOCAL = "127.0.0.1:0"
"""Where a cluster of this process's own has its pages, which Dask gives every cluster."""


class DaskExecutor(ClusterExecutor):
    """Evaluates as tasks of Dask, which begins those of a lost worker anew on another.

    It does so as often as its scheduler is set to (``distributed.scheduler.allowed-failures``).
    """

    def __init__(
        self, workers: int, client: Any, seconds: float | None, mebibytes: int | None
    ) -> None:
        super().__init__(workers)
        self._client = client
        self._run = uuid.uuid4().hex
        environment = WorkerEnvironment.of_this_process()
        self._workers = client.submit(
            DaskWorkers, self._run, environment, seconds, mebibytes, key=f"nasir-{self._run}"
        )
        self._tasks: set[Any] = set()
        self._ended = False
        self._lock = Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._client.status != "running":
            raise NasirError(
                f"the Dask cluster is gone ({self._client.status}); start one, and continue with: "
                "nasir resume RUN"
            )
        return super().submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers, after their calls or (to cancel) at once, and leave the cluster."""
        super().shutdown(wait, cancel_futures=cancel_futures)
        self._workers.release()
        cluster = self._client.cluster
        self._client.close()
        if cluster is not None:
            cluster.close()

    def _evaluate(self, call: bytes, run: RunCheckpoints | None) -> Answer:
        from distributed import CancelledError
        from distributed.scheduler import KilledWorker

        with self._lock:
            if self._ended:
                raise EvaluationError("the executor was shut down")
            if run is not None and run.files:
                run = self._client.scatter(run, hash=False)  # too large for a task itself
            task = self._client.submit(dask_workers.evaluate, self._workers, call, run, pure=False)
            self._tasks.add(task)
        try:
            answer: Answer = task.result()
        except KilledWorker as error:
            raise WorkerDiedError(
                f"{error.allowed_failures + 1} Dask workers died with this evaluation"
            ) from None
        except CancelledError:
            if self._ended:
                raise EvaluationError("the executor was shut down") from None
            raise WorkerDiedError("the Dask cluster is gone") from None
        finally:
            self._tasks.discard(task)
        return answer

    def _end_workers(self) -> None:
        with self._lock, suppress(Exception):  # if the cluster is gone, so are its workers
            self._ended = True
            self._client.cancel(list(self._tasks))
            self._client.run(dask_workers.end, self._run, on_error="ignore")


@attrs.define
class Dask(ClusterFactory):
    """Evaluates on the workers of a Dask cluster, such as one of a batch system's jobs."""

    address: str | None = setting(
        None, "the scheduler, such as tcp://HOST:8786; none: workers of its own, here"
    )
    scheduler_file: str | None = setting(
        None, "the file in which a scheduler has left its address, in its place"
    )

    def start(self, workers: int) -> DaskExecutor:
        from distributed import Client, LocalCluster

        for name in LOGGERS:  # their alarms at a clean end are none
            logging.getLogger(name).setLevel(logging.ERROR)
        where = {"address": self.address, "scheduler_file": self.scheduler_file}
        given: dict[str, Any] = {name: value for name, value in where.items() if value}
        if not given:
            given["address"] = LocalCluster(
                n_workers=1,
                threads_per_worker=workers,
                processes=False,
                memory_limit=0,
                dashboard_address=LOCAL,
                worker_dashboard_address=LOCAL,
            )
        try:
            client = Client(**given, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            name, value = next(iter(given.items()))
            reason = " ".join(str(error).split())
            raise SettingsError(f"executor.{name}={value}: {reason}") from None
        return DaskExecutor(workers, client, self._seconds, self._mebibytes)

    def _check(self) -> None:
        refuse_missing("distributed", "dask")
        if self.address is not None and self.scheduler_file is not None:
            raise SettingsError("executor.address and executor.scheduler_file: give one of them")
        if self.scheduler_file is not None and not Path(self.scheduler_file).is_file():
            raise SettingsError(
                f"executor.scheduler_file={self.scheduler_file}: there is no such file; has the "
                "scheduler begun (dask scheduler --scheduler-file FILE)?"
            )
