"""The process that owns a run: a file that names it, and its heartbeats.

The lock of a run cannot be seen from another machine, and a stopped process keeps it. The owner
file therefore names the owner, and its modification time is the last heartbeat: touching a file
works on a full disk, too. A process whose run was taken over touches its old file, which is no
longer in the folder.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import attrs

from nasir.core.errors import RunFolderError

OWNER = "run.owner"

INTERVAL = 5.0
"""Seconds between two heartbeats."""

SILENT = 60.0
"""Seconds without a heartbeat after which an owner on another machine is shown as dead."""

WATCHED = 4 * INTERVAL
"""Seconds without a heartbeat after which a run may be taken over."""

log = logging.getLogger("nasir")

BOOT = Path("/proc/sys/kernel/random/boot_id")


@attrs.frozen
class Owner:
    """The process that writes a run.

    `token` is new for each owner of a run. `machine` is equal for processes that see each other's
    locks. `heartbeat` is the time of the last one in nanoseconds since the epoch, by the clock of
    the disk that the run is on.
    """

    token: str
    host: str
    machine: str
    pid: int
    heartbeat: int

    @property
    def is_on_this_machine(self) -> bool:
        """Whether this process can see its lock."""
        return self.machine == machine()

    @property
    def silence(self) -> float:
        """Seconds since the last heartbeat, by this machine's clock.

        A heartbeat in the future means that the clock was set back; its distance from now counts
        as its age.
        """
        return abs(time.time() - self.heartbeat / 1e9)

    @property
    def is_silent(self) -> bool:
        """Whether it is shown as dead on a machine that cannot see its lock."""
        return self.silence >= SILENT

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def machine() -> str:
    """The identity of this machine. Containers share it, because they share the kernel's locks."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return platform.node()


def read_owner(folder: Path) -> Owner | None:
    """The owner of the run in `folder`, dead or alive; None after a clean end."""
    try:
        with (folder / OWNER).open(encoding="utf-8") as file:
            heartbeat = os.fstat(file.fileno()).st_mtime_ns
            content = json.load(file)
        token, host, its_machine = (str(content[name]) for name in ("token", "host", "machine"))
        owner = Owner(token, host, its_machine, int(content["pid"]), heartbeat)
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return owner if host.isprintable() else None


def is_alive(folder: Path, owner: Owner) -> bool:
    """Whether `owner` has a heartbeat while one waits for it. No two clocks are compared."""
    log.warning("waiting %.0f seconds for a heartbeat of %s", WATCHED, owner)
    end = time.monotonic() + WATCHED
    while time.monotonic() < end:
        time.sleep(min(0.2, WATCHED))
        if read_owner(folder) != owner:
            return True
    return False


@contextmanager
def heartbeats(folder: Path, token: str) -> Iterator[None]:
    """Name this process as the owner of the run in `folder`, with heartbeats until the end."""
    path, partial = folder / OWNER, folder / f".{OWNER}.{token}"
    content = {"token": token, "host": platform.node(), "machine": machine(), "pid": os.getpid()}
    try:
        partial.write_text(json.dumps(content), encoding="utf-8")
        descriptor = os.open(partial, os.O_RDONLY)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunFolderError(f"cannot write in {folder}: {error.strerror}") from None
    over = Event()
    # by its descriptor, the file stays that of this process whatever replaces it in the folder
    target = descriptor if os.utime in os.supports_fd else path
    thread = Thread(target=_touch, args=(target, over), name="nasir-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        os.close(descriptor)
        owner = read_owner(folder)
        if owner is not None and owner.token == token:
            with suppress(OSError):
                path.unlink()


def _touch(target: int | Path, over: Event) -> None:
    while not over.wait(INTERVAL):
        with suppress(OSError):
            os.utime(target)
