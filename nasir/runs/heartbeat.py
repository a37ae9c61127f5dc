"""Signs of life of the process that writes a run, for those who cannot see its lock.

The holder's file says who writes. Its modification time is the last sign of life: touching a
file takes no room, also on a full disk. A process that was taken over touches a file that is no
longer in the folder.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import attrs

from nasir.core.errors import RunFolderError

HOLDER = "run.holder"

INTERVAL = 5.0
"""Seconds between two signs of life."""

SILENT = 60.0
"""Seconds without one after which a process on another machine counts as dead."""

WATCHED = 4 * INTERVAL
"""Seconds that a process is watched for before its run is taken over."""

BOOT = Path("/proc/sys/kernel/random/boot_id")


@attrs.frozen
class Holder:
    """The process that writes a run.

    `machine` is the same for all processes that see each other's locks. `beat` is the time of the
    last sign of life in nanoseconds since the epoch, by the clock of the disk that the run is on.
    """

    token: str
    host: str
    machine: str
    pid: int
    beat: int

    @property
    def here(self) -> bool:
        """Whether its lock can be seen from this process."""
        return self.machine == machine()

    @property
    def silence(self) -> float:
        """Seconds since the last sign of life by this machine's clock.

        A sign of life in the future is of before the clock was put back, and as old as it is far.
        """
        return abs(time.time() - self.beat / 1e9)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def machine() -> str:
    """What tells machines apart; containers of one machine share the kernel that keeps locks."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return platform.node()


def read_holder(folder: Path) -> Holder | None:
    """Who writes the run in `folder`, or wrote it when its process died; None after a clean end."""
    try:
        with (folder / HOLDER).open(encoding="utf-8") as file:
            beat = os.fstat(file.fileno()).st_mtime_ns
            said = json.load(file)
        token, host, its_machine = (str(said[name]) for name in ("token", "host", "machine"))
        holder = Holder(token, host, its_machine, int(said["pid"]), beat)
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return holder if host.isprintable() else None


def beats(folder: Path, seconds: float) -> bool:
    """Whether the holder gives a sign of life within `seconds`, whatever any clock says."""
    before, until = read_holder(folder), time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(0.2, seconds))
        if read_holder(folder) != before:
            return True
    return False


@contextmanager
def beating(folder: Path, token: str) -> Iterator[None]:
    """Say in `folder` that this process holds the run, and give signs of life all the while."""
    path, partial = folder / HOLDER, folder / f".{HOLDER}.{token}"
    said = {"token": token, "host": platform.node(), "machine": machine(), "pid": os.getpid()}
    try:
        partial.write_text(json.dumps(said), encoding="utf-8")
        own = os.open(partial, os.O_RDONLY)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunFolderError(f"cannot write in {folder}: {error.strerror}") from None
    over = Event()
    thread = Thread(target=_beat, args=(own, path, over), name="nasir-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        os.close(own)
        now = read_holder(folder)
        if now is not None and now.token == token:
            with suppress(OSError):
                path.unlink()


def _beat(own: int, path: Path, over: Event) -> None:
    """Touch the file; by its descriptor, which is that of this process's own for ever."""
    target = own if os.utime in os.supports_fd else path
    while not over.wait(INTERVAL):
        with suppress(OSError):
            os.utime(target)
