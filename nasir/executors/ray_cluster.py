"""The Ray cluster of this process: joined, or started and stopped again."""

from __future__ import annotations

import logging
import math
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from nasir.core.errors import SettingsError

LOCAL, AUTO, CLIENT = "local", "auto", "ray://"

CONNECT_SECONDS = 5.0
"""Seconds within which a cluster must answer at the address that was given."""

CLUSTERS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""The environment variable by which Ray listens to other machines; on Linux, it does."""

_FAILED = {
    LOCAL: "executor=ray: no Ray cluster could be started on this machine",
    AUTO: "executor.address=auto: no Ray cluster runs here (ray start --head begins one)",
}

_NEEDS_TOKEN = (
    "this cluster requires its token: set RAY_AUTH_MODE=token, and put the token into "
    "~/.ray/auth_token or RAY_AUTH_TOKEN (on its machine, ray get-auth-token prints it)"
)

log = logging.getLogger("nasir")

_lock = Lock()
_users: list[object] = []


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of an address; refuses what is none."""
    host, colon, port = address.removeprefix(CLIENT).rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535 or "/" in host:
        raise SettingsError(
            f"executor.address={address} is no address: write auto, HOST:PORT or ray://HOST:PORT"
        )
    return host.strip("[]"), int(port)


def join(address: str | None, cpus: float, gpus: float, workers: int) -> Callable[[], None]:
    """Connect this process to the cluster at `address`; None: to one of its own on this machine.

    A process is in one cluster at a time: a connection that exists is used. Returns what leaves
    the cluster again, and stops one of this process's own after its last user. Raises
    :class:`~nasir.core.errors.SettingsError` if the process is in another cluster, none answers,
    or one of its own could never have room.
    """
    import ray

    user = object()
    with _lock:
        if ray.is_initialized():
            _refuse_another(ray, address)
            if not _users:  # the program has joined it, and stays in it
                return lambda: None
        elif address is None:
            _start(ray, cpus, gpus, workers)
        else:
            _connect(ray, address)
        _users.append(user)
    _warn_without_room(ray, cpus, gpus)
    return lambda: _leave(user)


def _leave(user: object) -> None:
    import ray

    with _lock:
        if user in _users:
            _users.remove(user)
            if not _users:
                ray.shutdown()


def _start(ray: Any, cpus: float, gpus: float, workers: int) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    room = {"num_cpus": max(1, math.ceil(workers * cpus)), "include_dashboard": False}
    with _on_loopback():
        try:
            _init(ray, LOCAL, **room)
        except SettingsError:  # Ray gives up after seconds, too few on a busy machine
            _init(ray, LOCAL, **room)
    available = ray.cluster_resources().get("GPU", 0)
    if gpus > available:
        ray.shutdown()
        raise SettingsError(
            f"executor.gpus={gpus:g}: this machine has {available:g}; give the address of a "
            "cluster that has more with executor.address=HOST:PORT"
        )


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Let Ray's processes listen on loopback alone, as they do where there are no clusters."""
    from ray._private import ray_constants

    before, known = os.environ.get(CLUSTERS), getattr(ray_constants, "ENABLE_RAY_CLUSTER", None)
    os.environ[CLUSTERS] = "0"  # for the processes that are started
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = known
        if before is None:
            del os.environ[CLUSTERS]
        else:
            os.environ[CLUSTERS] = before


def _connect(ray: Any, address: str) -> None:
    if address != AUTO:
        try:  # Ray itself would try for a minute
            socket.create_connection(host_and_port(address), CONNECT_SECONDS).close()
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingsError(
                f"executor.address={address}: nothing answers there: {reason}"
            ) from None
    _init(ray, address)


def _init(ray: Any, address: str, **more: Any) -> None:
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **more)
    except Exception as error:
        ray.shutdown()
        reason = " ".join(str(error).split())
        # Ray names a missing token only as the cause
        if "AuthenticationError" in {type(one).__name__ for one in (error, error.__cause__)}:
            reason = _NEEDS_TOKEN
        failed = _FAILED.get(address, f"executor.address={address}")
        raise SettingsError(f"{failed}: {reason}") from None


def _refuse_another(ray: Any, address: str | None) -> None:
    if address in (None, AUTO):
        return
    here = ray.get_runtime_context().gcs_address
    if address != here and not address.startswith(CLIENT):
        raise SettingsError(
            f"executor.address={address}: this process is in the Ray cluster {here} already; "
            "leave that first (ray.shutdown())"
        )


def _warn_without_room(ray: Any, cpus: float, gpus: float) -> None:
    """Warn if evaluations wait for a node that has not joined yet."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(n.get("CPU", 0) >= cpus and n.get("GPU", 0) >= gpus for n in nodes):
        log.warning(
            "no node of the Ray cluster has %g CPUs and %g GPUs: evaluations wait for one to join",
            cpus,
            gpus,
        )
