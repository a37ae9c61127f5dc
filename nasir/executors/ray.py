"""Evaluations on the machines of a Ray cluster."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.failures import WorkerDiedError
from nasir.executors import ray_cluster
from nasir.executors.cluster_executor import ClusterFactory, refuse_missing
from nasir.executors.cluster_worker import ClusterWorker
from nasir.executors.environment import WorkerEnvironment
from nasir.executors.ray_executor import RayExecutor

FIRST_WORKER_SECONDS = 30.0
"""Seconds to wait for the first worker before evaluations are submitted."""


def _share(_: Any, field: attrs.Attribute[Any], value: float) -> None:
    """Ray divides one processor into parts, and gives several only whole."""
    if not (math.isfinite(value) and value >= 0 and (value <= 1 or value == int(value))):
        raise ValueError(f"{field.name}={value:g}: wants 0, a fraction below 1, or a whole number")


def _address(_: Any, field: attrs.Attribute[Any], value: str | None) -> None:
    if value not in (None, ray_cluster.AUTO):
        ray_cluster.host_and_port(str(value))


@attrs.define
class Ray(ClusterFactory):
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

    def start(self, workers: int) -> RayExecutor:
        leave = ray_cluster.join(self.address, self.cpus, self.gpus, workers)
        try:
            executor = RayExecutor(workers, self._actor_starter(), self.moves, leave)
        except BaseException:
            leave()
            raise
        try:
            executor.wait_for_first(FIRST_WORKER_SECONDS)
        except BaseException as error:
            executor.shutdown(cancel_futures=True)
            if isinstance(error, WorkerDiedError):
                raise SettingsError(f"executor=ray: {error}") from None
            raise
        return executor

    def _check(self) -> None:
        refuse_missing("ray", "ray")

    def _actor_starter(self) -> Callable[[], Any]:
        """What starts one actor after another, all with the environment of this moment."""
        import ray

        environment = ray.put(WorkerEnvironment.of_this_process())
        actor = ray.remote(ClusterWorker).options(
            num_cpus=self.cpus,
            num_gpus=self.gpus,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
        )
        return lambda: actor.remote(environment, self._seconds, self._mebibytes)
