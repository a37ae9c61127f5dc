"""The command line as a process of its own, and the processes that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from nasir.core.errors import RunFolderError
from nasir.runs.run import Run

ENOUGH = 200


def begin(*argv: str) -> subprocess.Popen[str]:
    """The command line in a session of its own, whose processes Ctrl-C can reach alone."""
    program = (
        "import signal, sys; from nasir.cli.main import main;"
        # a test run in the background is started deaf to Ctrl-C, and so were its processes
        "signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(main())"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, *argv],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def complete(folder: Path) -> int:
    try:
        return sum(t.state == "complete" for t in Run(folder).trials)
    except RunFolderError:
        return 0


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + ENOUGH
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def processes_left(patience: float) -> list[int]:
    """What this process's group still holds after `patience` seconds, children of it aside."""
    until = time.monotonic() + patience
    while True:
        ours = {os.getpid(), *descendants(os.getpid())}
        found = [pid for pid in processes_of(os.getpgrp()) if pid not in ours]
        if not found or time.monotonic() > until:
            return found
        time.sleep(1)


def processes_of(group: int) -> list[int]:
    """The processes of a process group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[2]) == group:
                found.append(int(path.parent.name))
    return found


def descendants(pid: int) -> list[int]:
    """All processes that a process has started, and those that these have."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = path.read_text().partition(" ")
        except OSError:
            continue
        parents[int(number)] = int(rest.rpartition(")")[2].split()[1])
    found = [pid]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found[1:]


def listened_to(pids: Iterable[int]) -> list[str]:
    """The addresses, in the hexadecimal words of Linux, at which processes wait for connections."""
    sockets = set()
    for pid in pids:
        with suppress(OSError):
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    sockets.add(os.readlink(file))
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in sockets:
                found.append(local.partition(":")[0])
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be noticed does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
