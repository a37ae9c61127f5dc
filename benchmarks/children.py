"""Child processes that begin with all that is imported already."""

from __future__ import annotations

import importlib
import math
import os
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path

LARGE = ("torch", "torch._dynamo", "numpy", "scipy.stats", "skimage.metrics", "hypothesis")
LARGE += ("torch.utils.flop_counter", "torch.autograd.gradcheck", "cattrs", "PIL.Image", "sqlite3")
"""Other modules that nasir and its tests import."""

HANGING = 180.0
"""Seconds of doing nothing after which a child is ended; it may wait for a processor longer."""

NEVER = "never ended"


def preload() -> None:
    """Import what is large once, not in each child."""
    for module in LARGE:
        importlib.import_module(module)


def in_child(
    work: Callable[[], int | None],
    output: Path = Path(os.devnull),
    errors: Path = Path(os.devnull),
    most: float = math.inf,
) -> int | str:
    """The exit code that `work` returns in a child process, or that it never ended.

    It is ended after `most` seconds of processor time, or where it has had none for long.
    """
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        code = 3
        try:
            for number, file in ((1, output), (2, errors)):
                os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            code = work() or 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    moved, used = time.monotonic(), 0.0
    while time.monotonic() - moved < HANGING and used < most:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if (now := processor_time(child)) > used + 0.1 or _is_ready(child):
            moved, used = time.monotonic(), now
        time.sleep(0.1)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return NEVER


def _is_ready(process: int) -> bool:
    """Whether a process runs, or would if a processor were free."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "RD"


def processor_time(process: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
