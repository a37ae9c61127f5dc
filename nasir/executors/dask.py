"""Evaluations on the workers of a Dask cluster."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs

from nasir.core.component import setting
from nasir.core.errors import EvaluationError, NasirError, SettingsError
from nasir.core.executor import ExecutorFactory
from nasir.core.failures import WorkerDiedError
from nasir.executors import dask_station
from nasir.executors.dask_station import Station
from nasir.executors.elsewhere import packed_call
from nasir.executors.luggage import packed
from nasir.executors.worker import result_of

PATIENCE = 10
"""Seconds within which a cluster must answer at the address that was given."""

UNSEEN = "127.0.0.1:0"
"""Where a cluster of this process's own has its pages, which Dask gives every cluster."""

MISSING = 'executor=dask wants Dask, which is not installed: pip install "nasir[dask]"'


class DaskExecutor(Executor):
    """Calls to a station, by the face of :mod:`concurrent.futures` that Dask's client has.

    Dask tries again elsewhere what was lost with a worker, as often as its scheduler is set to
    (``distributed.scheduler.allowed-failures``); what it gives up is one failed try.
    """

    def __init__(self, client: Any, seconds: float | None, mebibytes: int | None) -> None:
        self._client = client
        self._run = uuid.uuid4().hex
        self._calls = client.get_executor(pure=False)
        self._station = client.submit(
            Station, self._run, packed(), seconds, mebibytes, key=f"nasir-{self._run}"
        )
        self._ended = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._client.status != "running":
            raise NasirError(
                f"the Dask cluster is gone ({self._client.status}); start one, and go on with: "
                "nasir resume RUN"
            )
        future: Future[Any] = Future()
        try:
            call = packed_call(fn, args, kwargs)
        except Exception as error:
            future.set_exception(error)
            return future
        future.set_running_or_notify_cancel()
        answered = self._calls.submit(dask_station.answer, self._station, call)
        answered.add_done_callback(lambda done: self._end(future, done))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the run's hosts, after their calls or (to cancel) at once, and leave the cluster."""
        self._ended = self._ended or cancel_futures
        with suppress(Exception):  # where the cluster is gone, so are they
            self._calls.shutdown(wait=not cancel_futures)
            self._client.run(dask_station.end, self._run, on_error="ignore")
        self._station.release()
        cluster = self._client.cluster
        self._client.close()
        if cluster is not None:
            cluster.close()

    def _end(self, future: Future[Any], answered: Future[bytes]) -> None:
        """Let a call's future end as Dask's has."""
        try:
            future.set_result(result_of(_result(answered, self._ended)))
        except BaseException as error:
            future.set_exception(error)


def _result(answered: Future[bytes], ended: bool) -> bytes:
    from distributed.scheduler import KilledWorker

    if answered.cancelled():
        if ended:
            raise EvaluationError("the executor was shut down")
        raise WorkerDiedError("the Dask cluster is gone")
    error = answered.exception()
    if isinstance(error, KilledWorker):
        raise WorkerDiedError(
            f"{error.allowed_failures + 1} Dask workers died with this evaluation"
        )
    return answered.result()


@attrs.define
class Dask(ExecutorFactory):
    """Evaluates on the workers of a Dask cluster, such as one of a batch system's jobs."""

    address: str | None = setting(
        None, "the scheduler, such as tcp://HOST:8786; none: workers of its own, here"
    )
    scheduler_file: str | None = setting(
        None, "the file in which a scheduler has left its address, in its place"
    )

    _seconds: float | None = attrs.field(init=False, default=None)
    _mebibytes: int | None = attrs.field(init=False, default=None)

    def start(self, workers: int) -> DaskExecutor:
        try:
            from distributed import Client, LocalCluster
        except ImportError:
            raise SettingsError(MISSING) from None
        where = {"address": self.address, "scheduler_file": self.scheduler_file}
        given: dict[str, Any] = {name: value for name, value in where.items() if value}
        if not given:
            given["address"] = LocalCluster(
                n_workers=1,
                threads_per_worker=workers,
                processes=False,
                memory_limit=0,
                dashboard_address=UNSEEN,
                worker_dashboard_address=UNSEEN,
            )
        try:
            client = Client(**given, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            name, value = next(iter(given.items()))
            said = " ".join(str(error).split())
            raise SettingsError(f"executor.{name}={value}: {said}") from None
        return DaskExecutor(client, self._seconds, self._mebibytes)

    def within(self, seconds: float | None, mebibytes: int | None) -> Dask:
        """With limits that each worker keeps; one that cannot fails what it is given."""
        if find_spec("distributed") is None or find_spec("cloudpickle") is None:
            raise SettingsError(MISSING)
        if self.address is not None and self.scheduler_file is not None:
            raise SettingsError("executor.address and executor.scheduler_file: give one of them")
        if self.scheduler_file is not None and not Path(self.scheduler_file).is_file():
            raise SettingsError(
                f"executor.scheduler_file={self.scheduler_file}: there is no such file; has the "
                "scheduler begun (dask scheduler --scheduler-file FILE)?"
            )
        limited = attrs.evolve(self)
        limited._seconds, limited._mebibytes = seconds, mebibytes
        return limited
