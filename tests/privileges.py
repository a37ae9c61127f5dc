"""Root may write everywhere: folders that cannot be written, also for root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


class ReadableOnly:
    """A folder that can be written except inside ``with readable_only():``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)

    as_nobody = staticmethod(without_privileges)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        places = [self.folder, *self.folder.rglob("*")]
        for place in places:
            place.chmod(0o555 if place.is_dir() else 0o444)
        with without_privileges():
            yield
        for place in places:
            place.chmod(0o755)
