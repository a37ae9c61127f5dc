"""What the folders of runs and of trainings have in common."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from nasir.core.errors import RunFolderError
from nasir.runs.foreign_folders import refuse_links_out, refuse_special_files
from nasir.settings.overrides import Settings

SETTINGS = "settings.toml"
ENVIRONMENT = "environment.json"
DESCRIPTION = "architecture.json"
CHECKPOINTS = "checkpoints"
SWEEP = ".sweep.json"
"""Names the runs of a sweep; hidden, so that ``SWEEP/*`` are the runs alone."""
RUNS = "runs"
"""The folder of runs where nothing is said."""

Made = TypeVar("Made")


class Folder:
    """A folder with settings, an environment, and checkpoints of what is not finished."""

    def __init__(self, folder: str | Path) -> None:
        """Open a folder; refuses one with anything but files and folders, or links out of it.

        `place` is its absolute path.
        """
        self._called = Path(folder)
        self.place = Path(os.path.abspath(folder))
        refuse_special_files(self.folder)
        refuse_links_out(self.folder)

    @property
    def folder(self) -> Path:
        """The path by which it was opened; from another working folder, the absolute one."""
        try:
            return self._called if Path(os.path.abspath(self._called)) == self.place else self.place
        except OSError:  # the working folder was removed
            return self.place

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints; it may not exist."""
        return self.place.resolve() / CHECKPOINTS

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the folder, whole or not at all."""
        try:
            write_file(self.place / name, content)
        except OSError as error:
            raise RunFolderError(f"cannot write in {self.folder}: {error.strerror}") from None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r})"


def located(name: str | Path, is_wanted: Callable[[Path], bool]) -> Path:
    """The folder of this path, or the one in ``runs/`` that has this name and is wanted."""
    path = Path(name)
    try:
        inside = RUNS / path
        return inside if not is_wanted(path) and is_wanted(inside) else path
    except (OSError, ValueError):
        return path


def create_folder(
    folder: Path,
    settings: Settings,
    environment: Mapping[str, Any],
    fill: Callable[[Path], object],
    advice: str,
) -> None:
    """Make a folder with settings, as :func:`create_whole` does."""

    def make(partial: Path) -> None:
        write_beginning(partial, settings, environment)
        fill(partial)

    create_whole(folder, make, advice)


def write_beginning(folder: Path, settings: Settings, environment: Mapping[str, Any]) -> None:
    """Write what a run or training begins with."""
    (folder / SETTINGS).write_text(tomli_w.dumps(settings), encoding="utf-8")
    (folder / ENVIRONMENT).write_text(json.dumps(environment, indent=2), encoding="utf-8")


def create_whole(folder: Path, fill: Callable[[Path], object], advice: str) -> None:
    """Make a folder, whole or not at all; `fill` writes what is in it.

    Raises FileExistsError if there is one, also if another process was quicker, and
    :class:`~nasir.core.errors.RunFolderError` with `advice` if it cannot be made.
    """
    partial = folder.parent / f".{folder.name[:100]}.{uuid.uuid4().hex[:8]}"
    try:
        if folder.exists():
            raise FileExistsError(folder)
        partial.mkdir(parents=True)
        fill(partial)
        partial.rename(folder)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError) and is_folder(folder):
            raise FileExistsError(folder) from None
        if isinstance(error, OSError | RunFolderError):
            reason = str(error).partition(";")[0]
            reason = (isinstance(error, OSError) and error.strerror) or reason
            raise RunFolderError(f"cannot make the folder {folder}: {reason}; {advice}") from None
        raise


def create_timed(parent: Path, what: str, create: Callable[[Path], Made]) -> Made:
    """Make a folder that is named by the time and `what` is in it; `create` makes it.

    A number follows if the name is taken (`create` raises FileExistsError).
    """
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{what}"
    for copy in count(1):
        with suppress(FileExistsError):
            return create(parent / (name if copy == 1 else f"{name}-{copy}"))
    raise AssertionError("count() does not end")


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder; a name that is too long is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
