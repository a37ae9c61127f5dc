"""Watches what Python does while a case is tried: files, processes, pickles."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

CHANGES = {
    "os.chmod": {0: 2},
    "os.link": {0: 2, 1: 3},
    "os.mkdir": {0: 2},
    "os.remove": {0: 1},
    "os.rename": {0: 2, 1: 3},
    "os.rmdir": {0: 1},
    "os.symlink": {1: 2},
    "os.truncate": {0: 0},
    "os.utime": {0: 3},
}
"""Audit events that change files: where paths are among their arguments, and their folders."""

CODE = {
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pickle.find_class",
    "socket.connect",
    "subprocess.Popen",
}
"""Audit events that run something else, or what a pickle says."""

TEMPORARY = "temporary"

HARMLESS = ("/dev/null", "/dev/tty")

PROGRAMS = ("git", "uname")
"""What a run asks of its surroundings when it begins."""


class Forbidden(BaseException):
    """A case did what no input may bring about; no ``except Exception`` hides it."""


class _Watch:
    """What is watched for at the moment."""

    folders: Sequence[str] | None = None
    found: list[str]


_watch = _Watch()
_hooked = False


@contextmanager
def guarded(*folders: Path) -> Iterator[list[str]]:
    """Forbid changes outside `folders`, and all code from elsewhere.

    Temporary files are made in the first of them. Yields the list of what was tried. Libraries in
    C that open files by themselves (SQLite but for its connecting, safetensors) are not seen:
    look at the files as well.
    """
    global _hooked
    if not _hooked:
        sys.addaudithook(_hook)  # there is no way to take it off again
        _hooked = True
    temporary, before = folders[0] / TEMPORARY, tempfile.tempdir
    compiled, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    temporary.mkdir(exist_ok=True)
    _watch.found = found = []
    _watch.folders = [os.path.realpath(folder) for folder in folders]
    tempfile.tempdir = str(temporary)
    try:
        yield found
    finally:
        _watch.folders = None
        tempfile.tempdir, sys.dont_write_bytecode = before, compiled


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    folders = _watch.folders
    if folders is None:
        return
    if event == "subprocess.Popen" and arguments[0] in PROGRAMS:
        return
    if event in CODE:
        _refuse(f"{event} {arguments[:2]!r}")
    elif event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & WRITES and not isinstance(path, int):
            _check(event, path, folders, follow=True)
    elif event == "sqlite3.connect":
        if "mode=ro" not in str(arguments[0]) and "immutable=1" not in str(arguments[0]):
            _check(event, arguments[0], folders, follow=True)
    elif event in CHANGES:
        for place, parent in CHANGES[event].items():
            path, within = arguments[place], arguments[parent]
            if isinstance(within, int) and within >= 0:
                path = f"/proc/self/fd/{within}/{os.fsdecode(path)}"
            if not isinstance(path, int):
                _check(event, path, folders, follow=event == "os.truncate")


def _check(event: str, path: Any, folders: Sequence[str], *, follow: bool) -> None:
    """Refuse a change of `path` outside of `folders`; of a link itself unless to `follow` it."""
    name = os.fsdecode(path)
    parent, last = os.path.split(name)
    real = os.path.realpath(name) if follow else os.path.join(os.path.realpath(parent), last)
    inside = any(real == folder or real.startswith(folder + os.sep) for folder in folders)
    if not inside and not real.startswith(HARMLESS):
        _refuse(f"{event} {name!r}")


def _refuse(what: str) -> None:
    _watch.found.append(what)
    raise Forbidden(what)
