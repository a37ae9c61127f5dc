"""Evaluations on the machines of a Ray cluster."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import attrs

from nasir.core.component import setting
from nasir.core.errors import EvaluationError, SettingsError
from nasir.core.executor import ExecutorFactory
from nasir.core.failures import WorkerDiedError
from nasir.executors import ray_cluster
from nasir.executors.elsewhere import packed_call, run_folder
from nasir.executors.host import Host
from nasir.executors.luggage import packed
from nasir.executors.ray_hosts import HostLostError, RayHost, RayHosts
from nasir.executors.worker import result_of

FIRST = 30.0
"""Seconds that are waited for the first worker before evaluations are sent off."""

log = logging.getLogger("nasir")


class RayExecutor(Executor):
    """A thread for each evaluation that may be in flight, to wait for a host and its answer.

    An evaluation whose host is lost begins anew on another, up to `moves` times; a future ends
    once, whatever becomes of the hosts.
    """

    def __init__(self, workers: int, hosts: RayHosts, moves: int, left: Callable[[], None]) -> None:
        self._hosts = hosts
        self._moves = moves
        self._left = left
        self._ended = False
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="nasir-ray")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._threads.submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the hosts, after their calls or (to cancel) at once, and leave the cluster."""
        self._ended = self._ended or cancel_futures
        if cancel_futures:
            self._hosts.end()
        self._threads.shutdown(wait=True, cancel_futures=cancel_futures)
        self._hosts.end()
        self._left()

    def _call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        call, run = packed_call(fn, args, kwargs), run_folder(args)
        for _ in range(self._moves + 1):
            host = self._hosts.take()
            try:
                answer = host.answer(call, run)
            except HostLostError as error:
                if self._ended:
                    raise EvaluationError("the executor was shut down") from None
                log.warning("a worker was lost with its evaluation: %s", error)
                self._hosts.replace(host)
                continue
            except BaseException:
                self._hosts.replace(host)
                raise
            self._hosts.give_back(host)
            return result_of(answer)
        raise WorkerDiedError(f"{self._moves + 1} workers were lost with this evaluation")


def _share(_: Any, field: attrs.Attribute[Any], value: float) -> None:
    """Ray shares a processor out in parts, several only whole."""
    if not (math.isfinite(value) and value >= 0 and (value <= 1 or value == int(value))):
        raise ValueError(f"{field.name}={value:g}: wants 0, a fraction below 1, or a whole number")


def _address(_: Any, field: attrs.Attribute[Any], value: str | None) -> None:
    if value not in (None, ray_cluster.AUTO):
        ray_cluster.parts(str(value))


@attrs.define
class Ray(ExecutorFactory):
    """Evaluates on a Ray cluster, on as many machines as are in it while the run lasts."""

    address: str | None = setting(
        None,
        "the cluster: auto, HOST:PORT or ray://HOST:PORT; none: one of its own on this machine",
        _address,
    )
    cpus: float = setting(1.0, "CPUs of one evaluation, >= 0, also a fraction", _share)
    gpus: float = setting(0.0, "GPUs of one evaluation, >= 0, also a fraction", _share)
    moves: int = setting(
        3,
        "times that an evaluation whose machine is lost begins anew without a try lost, >= 0",
        attrs.validators.ge(0),
    )

    _seconds: float | None = attrs.field(init=False, default=None)
    _mebibytes: int | None = attrs.field(init=False, default=None)

    def start(self, workers: int) -> RayExecutor:
        user = object()
        ray_cluster.join(self.address, self.cpus, self.gpus, workers, user)
        try:
            hosts = RayHosts(workers, self._beginning())
            refusal = hosts.first(FIRST)
            if refusal is not None:
                hosts.end()
                raise SettingsError(f"executor=ray: {refusal}")
        except BaseException:
            ray_cluster.leave(user)
            raise
        return RayExecutor(workers, hosts, self.moves, lambda: ray_cluster.leave(user))

    def within(self, seconds: float | None, mebibytes: int | None) -> Ray:
        """With limits that each machine keeps; one that cannot is told of when it is used."""
        ray_cluster.refuse_missing()
        limited = attrs.evolve(self)
        limited._seconds, limited._mebibytes = seconds, mebibytes
        return limited

    def _beginning(self) -> Callable[[], RayHost]:
        """What begins one actor after another, all with the luggage of this moment."""
        ray = ray_cluster.library()
        luggage = ray.put(packed())
        actor = ray.remote(Host).options(
            num_cpus=self.cpus,
            num_gpus=self.gpus,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
        )

        def begin() -> RayHost:
            handle = actor.remote(self._seconds, self._mebibytes)
            return RayHost(handle, handle.open.remote(luggage))

        return begin
