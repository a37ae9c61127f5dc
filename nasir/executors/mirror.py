"""Two folders on different machines that are kept alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nasir.core.errors import RunFolderError

Changes = Mapping[str, bytes | None]
"""Files by relative path: what is in them, None: gone."""

Version = tuple[int, int, int]


class Mirror:
    """A folder, as far as the other side knows it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Version] = {}

    def changes(self) -> dict[str, bytes | None]:
        """What changed here since both sides were last alike; afterwards the other side knows."""
        now = self._versions()
        changed: dict[str, bytes | None] = {}
        for name in self._known.keys() - now.keys():
            changed[name] = None
            del self._known[name]
        for name, version in now.items():
            if self._known.get(name) == version:
                continue
            try:
                changed[name] = (self._folder / name).read_bytes()
            except FileNotFoundError:  # another worker has removed it meanwhile
                continue
            self._known[name] = version
        return changed

    def take(self, changes: Changes) -> None:
        """Do here what was done on the other side."""
        for name, content in changes.items():
            path = self._inside(name)
            try:
                if content is None:
                    path.unlink(missing_ok=True)
                    self._known.pop(name, None)
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                partial = path.with_name(f".{path.name}.partial")
                partial.write_bytes(content)
                version = _version(partial)
                partial.replace(path)
            except OSError as error:
                raise RunFolderError(f"cannot write checkpoint {path}: {error.strerror}") from None
            self._known[name] = version

    def _versions(self) -> dict[str, Version]:
        versions = {}
        for path in self._folder.rglob("*"):
            if path.name.startswith("."):
                continue
            try:
                if path.is_file():
                    versions[path.relative_to(self._folder).as_posix()] = _version(path)
            except FileNotFoundError:
                continue
        return versions

    def _inside(self, name: str) -> Path:
        path = self._folder / name
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise RunFolderError(f"a worker sent {name!r}, which leads out of the checkpoints")
        return path


def _version(path: Path) -> Version:
    state = path.stat()
    return state.st_mtime_ns, state.st_size, state.st_ino
