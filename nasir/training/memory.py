"""Reuse of freed memory."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

MMAP_MAX, TRIM_THRESHOLD = -4, -1
"""Parameters of glibc's mallopt, from malloc.h."""

VARIABLES = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
"""Environment variables that set them (mallopt(3)); glibc has no function that reads them."""


@contextmanager
def freed_memory_reused() -> Iterator[None]:
    """Let glibc keep freed memory for the next allocations; give it back at the end.

    By default glibc returns blocks of more than 32 MiB, such as 128 channels of 256 x 256, to the
    system, which fills the memory of every following layer with zeros: a quarter of the time of a
    forward pass. The process keeps the setting, because its previous value cannot be read. It is
    not changed if the user has set it, nor without glibc.
    """
    library = _glibc()
    if library is None or any(name in os.environ for name in VARIABLES):
        yield
        return
    library.mallopt(MMAP_MAX, 0)
    library.mallopt(TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        library.malloc_trim(0)


def give_back() -> None:
    """Give freed memory back to the system, where the C library can."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library of this process; None for musl, macOS and Windows."""
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
    except (OSError, TypeError):
        return None
