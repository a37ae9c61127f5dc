"""The Ray cluster of this process: joined, or started and stopped again."""

from __future__ import annotations

import logging
import math
import os
import socket
from importlib.util import find_spec
from threading import Lock
from typing import Any

from nasir.core.errors import SettingsError

LOCAL, AUTO, CLIENT = "local", "auto", "ray://"

PATIENCE = 5.0
"""Seconds within which a cluster must answer at the address that was given."""

_TROUBLE = {
    LOCAL: "executor=ray: no Ray cluster could be started on this machine",
    AUTO: "executor.address=auto: no Ray cluster runs here (ray start --head begins one)",
}

_TOKEN = (
    "this cluster lets in only who has its token: set RAY_AUTH_MODE=token, and put the token into "
    "~/.ray/auth_token or RAY_AUTH_TOKEN (on its machine, ray get-auth-token prints it)"
)

log = logging.getLogger("nasir")

_lock = Lock()
_users: list[object] = []


MISSING = 'executor=ray wants Ray, which is not installed: pip install "nasir[ray]"'


def refuse_missing() -> None:
    """Refuse where Ray is not installed; imports nothing."""
    if find_spec("ray") is None or find_spec("cloudpickle") is None:
        raise SettingsError(MISSING)


def library() -> Any:
    """Ray itself."""
    try:
        import ray
    except ImportError:
        raise SettingsError(MISSING) from None
    return ray


def parts(address: str) -> tuple[str, int]:
    """Host and port of an address; refuses what is none."""
    host, colon, port = address.removeprefix(CLIENT).rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535 or "/" in host:
        raise SettingsError(
            f"executor.address={address} is no address: write auto, HOST:PORT or ray://HOST:PORT"
        )
    return host.strip("[]"), int(port)


def join(address: str | None, cpus: float, gpus: float, workers: int, user: object) -> None:
    """Connect this process to the cluster at `address`; None: to one of its own on this machine.

    A process is in one cluster at a time: a connection that is there already is used. Raises
    :class:`~nasir.core.errors.SettingsError` where that is another cluster, none answers, or one
    of its own could never have room.
    """
    ray = library()
    with _lock:
        if ray.is_initialized():
            _refuse_another(ray, address)
            if _users:
                _users.append(user)
            return
        if address is None:
            _start(ray, cpus, gpus, workers)
        else:
            _connect(ray, address)
        _users.append(user)
    _look_for_room(ray, cpus, gpus)


def leave(user: object) -> None:
    """Disconnect once the last user has left; a cluster of this process's own is stopped."""
    with _lock:
        if user not in _users:
            return
        _users.remove(user)
        if not _users:
            library().shutdown()


def _start(ray: Any, cpus: float, gpus: float, workers: int) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    room = {"num_cpus": max(1, math.ceil(workers * cpus)), "include_dashboard": False}
    try:
        _init(ray, LOCAL, **room)
    except SettingsError:  # Ray gives up after seconds, in which a busy machine may not do it
        _init(ray, LOCAL, **room)
    there = ray.cluster_resources().get("GPU", 0)
    if gpus > there:
        ray.shutdown()
        raise SettingsError(
            f"executor.gpus={gpus:g}: this machine has {there:g}; give the address of a cluster "
            "that has more with executor.address=HOST:PORT"
        )


def _connect(ray: Any, address: str) -> None:
    if address != AUTO:
        _refuse_silent(address)
    _init(ray, address)


def _init(ray: Any, address: str, **more: Any) -> None:
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **more)
    except Exception as error:
        ray.shutdown()
        what = _TROUBLE.get(address, f"executor.address={address}")
        raise SettingsError(f"{what}: {_why(error)}") from None


def _why(error: Exception) -> str:
    """Ray names the want of a token only as the cause, and at length."""
    if "AuthenticationError" in {type(one).__name__ for one in (error, error.__cause__)}:
        return _TOKEN
    return " ".join(str(error).split())


def _refuse_silent(address: str) -> None:
    """Refuse an address where nobody listens, which Ray itself would try for a minute."""
    try:
        socket.create_connection(parts(address), PATIENCE).close()
    except OSError as error:
        why = error.strerror or str(error)
        raise SettingsError(f"executor.address={address}: nothing answers there: {why}") from None


def _refuse_another(ray: Any, address: str | None) -> None:
    if address in (None, AUTO):
        return
    here = ray.get_runtime_context().gcs_address
    if address != here and not address.startswith(CLIENT):
        raise SettingsError(
            f"executor.address={address}: this process is in the Ray cluster {here} already; "
            "leave that first (ray.shutdown())"
        )


def _look_for_room(ray: Any, cpus: float, gpus: float) -> None:
    """Warn where evaluations wait for a node that is not there yet."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(n.get("CPU", 0) >= cpus and n.get("GPU", 0) >= gpus for n in nodes):
        log.warning(
            "no node of the Ray cluster has %g CPUs and %g GPUs: evaluations wait for one to join",
            cpus,
            gpus,
        )
