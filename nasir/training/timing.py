"""What restoring a picture costs: seconds and memory of the network alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch

from nasir.training.memory import give_back

PEAK = "VmHWM:"
"""The line of a process's status on Linux that says the most memory it had, in KiB."""


def cost_of(restore: Callable[[], object], device: str) -> dict[str, float]:
    """The ``seconds`` of `restore`, and the ``peak_memory`` in bytes that it adds meanwhile.

    It is called twice: memory is that of the first call, before which freed memory is given back,
    and seconds are those of the second, since the first one lets libraries choose and load their
    kernels. On a GPU its work is waited for. On a CPU other than Linux's no memory is known.
    """
    before = _reset_peak(device)
    restore()
    _wait(device)
    peak = 0 if before is None else _peak(device)
    started = time.perf_counter()
    restore()
    _wait(device)
    seconds = time.perf_counter() - started
    if before is None:
        return {"seconds": seconds}
    return {"seconds": seconds, "peak_memory": max(0, peak - before)}


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def _reset_peak(device: str) -> int | None:
    """Forget the most memory so far; returns that in use, or None where it is not known."""
    _wait(device)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    give_back()
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _peak(device)
    except OSError:
        return None


def _peak(device: str) -> int:
    if device != "cpu":
        return torch.cuda.max_memory_allocated(device)
    lines = Path("/proc/self/status").read_text().splitlines()
    kibibytes = next(line for line in lines if line.startswith(PEAK)).split()[1]
    return 1024 * int(kibibytes)
