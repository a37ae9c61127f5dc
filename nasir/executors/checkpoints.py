"""Checkpoints of a run on machines that do not see its folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from nasir.core.errors import RunFolderError
from nasir.core.evaluator import Problem
from nasir.runs.owner import read_owner

Version = tuple[int, int]
"""Modification time in nanoseconds and size in bytes; a file keeps both when it is sent."""

Files = Mapping[str, tuple[int, bytes] | None]
"""Modification time and content of files by relative path; None: the file is removed."""


@attrs.frozen
class RunCheckpoints:
    """The checkpoints of a run: their folder, their versions, and the content of some of them.

    `token` names the process that writes the run now.
    """

    folder: Path
    token: str | None
    versions: Mapping[str, Version]
    files: Files = attrs.field(factory=dict)

    @classmethod
    def of(cls, arguments: Sequence[Any]) -> RunCheckpoints | None:
        """Those of the run that the problem in `arguments` belongs to; None if there is none."""
        for argument in arguments:
            if isinstance(argument, Problem) and argument.checkpoints is not None:
                folder = argument.checkpoints
                return cls(folder, _token(folder), read_versions(folder))
        return None

    def is_seen(self) -> bool:
        """Whether this machine sees that very folder, on its own disk or on a shared one."""
        return self.token is not None and _token(self.folder) == self.token

    def with_content(self, names: Iterable[str]) -> RunCheckpoints:
        """As they are now, also with the content of `names`."""
        files = read_files(self.folder, {*self.files, *names})
        return attrs.evolve(self, versions=read_versions(self.folder), files=files)

    def update(self, folder: Path) -> list[str]:
        """Make `folder` equal to the run's; returns the files whose content is missing for that."""
        removed = dict.fromkeys(read_versions(folder).keys() - self.versions.keys())
        write_files(folder, {**removed, **self.files})
        here = read_versions(folder)
        changed = (name for name, version in self.versions.items() if here.get(name) != version)
        return [name for name in changed if name not in self.files]  # a disk may round its times


def read_versions(folder: Path) -> dict[str, Version]:
    """The versions of all files in a folder, by relative path; hidden ones are half written."""
    found = {}
    for path in folder.rglob("[!.]*"):
        try:
            state = path.stat()
        except FileNotFoundError:  # another worker has removed it meanwhile
            continue
        if stat.S_ISREG(state.st_mode):
            found[path.relative_to(folder).as_posix()] = state.st_mtime_ns, state.st_size
    return found


def read_files(folder: Path, names: Iterable[str]) -> Files:
    """The files of these names that are in a folder."""
    found = {}
    for name in names:
        try:
            with (folder / name).open("rb") as file:
                found[name] = os.fstat(file.fileno()).st_mtime_ns, file.read()
        except FileNotFoundError:
            continue
    return found


def changed_files(folder: Path, before: Mapping[str, Version]) -> Files:
    """The files of a folder that are new, changed or removed since it had the versions `before`."""
    now = read_versions(folder)
    changed = [name for name, version in now.items() if before.get(name) != version]
    return {**dict.fromkeys(before.keys() - now.keys()), **read_files(folder, changed)}


def write_files(folder: Path, files: Files) -> None:
    """Write these files to a folder, each at once; refuses a name that leads out of it."""
    for name, file in files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise RunFolderError(f"a worker sent {name!r}, which leads out of the checkpoints")
        try:
            if file is None:
                path.unlink(missing_ok=True)
                continue
            time, content = file
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            partial.write_bytes(content)
            os.utime(partial, ns=(time, time))
            partial.replace(path)
        except OSError as error:
            raise RunFolderError(f"cannot write checkpoint {path}: {error.strerror}") from None


def _token(folder: Path) -> str | None:
    owner = read_owner(folder.parent)
    return None if owner is None else owner.token
