"""What this machine has."""

from __future__ import annotations

import os

import attrs

from nasir.core.errors import SettingsError

MOST_THREADS = 256
"""Threads, or processes, that may be asked for on any machine, for one that has as many cores."""


def usable_cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def few_threads(owner: object, field: attrs.Attribute[int], threads: int) -> None:
    """A validator: 0, or as many threads as a machine may have; thousands would hang this one."""
    most, cores = _most()
    if not 0 <= threads <= most:
        raise ValueError(
            f"{field.name!r} must be from 0 to {most} (this machine has {cores} cores): {threads}"
        )


def refuse_many_processes(what: str, processes: int) -> None:
    """Refuse to start more processes than a machine may have; `what` asks for them."""
    most, cores = _most()
    if processes > most:
        raise SettingsError(
            f"{what}={processes}: at most {most} processes are started here (this machine has "
            f"{cores} cores): take fewer"
        )


def _most() -> tuple[int, int]:
    cores = usable_cores()
    return max(MOST_THREADS, cores), cores
