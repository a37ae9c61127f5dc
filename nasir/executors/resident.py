"""How much main memory another process takes."""

from __future__ import annotations

import os
from pathlib import Path


def can_be_seen() -> bool:
    """Whether this system tells it."""
    return Path("/proc/self/statm").exists()


def resident(pid: int | None) -> float:
    """MiB of main memory that a process has, without that of its children; 0 where it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
