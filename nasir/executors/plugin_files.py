"""The files of plugins, for machines that do not have them."""

from __future__ import annotations

import ast
import logging
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

LARGEST = 64
"""Size in MiB beyond which the files of a module are not sent."""

log = logging.getLogger("nasir")


def plugin_files(modules: Iterable[str]) -> dict[str, bytes]:
    """By relative path, the files of top-level modules and of those beside them that they import.

    A module that has compiled parts or is larger than :data:`LARGEST` is left out: it must be
    installed on each machine.
    """
    installed = set(map(Path, sysconfig.get_paths().values()))  # neighbours there are unrelated
    found: dict[str, bytes] = {}
    waiting, done = set(modules), {"nasir", "__main__", *sys.stdlib_module_names}
    while waiting := waiting - done:
        name = waiting.pop()
        done.add(name)
        for root, paths in _locations(name):
            if not _can_be_sent(name, paths):
                continue
            files = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
            found |= files
            if root not in installed:
                waiting |= {n for n in _imports(files) if _is_in(n, root)}
    return found


def _locations(name: str) -> Iterator[tuple[Path, list[Path]]]:
    """The folders that contain a top-level module, and its files; a namespace has several."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    for place in map(Path, spec.submodule_search_locations or ()):
        files = (path for path in place.rglob("*") if "__pycache__" not in path.parts)
        yield place.parent, sorted(path for path in files if path.is_file())
    if not spec.submodule_search_locations and spec.origin and Path(spec.origin).is_file():
        yield Path(spec.origin).parent, [Path(spec.origin)]


def _can_be_sent(name: str, paths: list[Path]) -> bool:
    if any(path.name.endswith(tuple(EXTENSION_SUFFIXES)) for path in paths):
        return False
    size = sum(path.stat().st_size for path in paths) / 2**20
    if size > LARGEST:
        log.warning("%s has %.0f MiB of files and is not sent: install it there", name, size)
    return size <= LARGEST


def _imports(files: dict[str, bytes]) -> Iterator[str]:
    """The top-level names of all modules that these files import, also inside functions."""
    for path, content in files.items():
        try:
            nodes = list(ast.walk(ast.parse(content))) if path.endswith(".py") else []
        except (SyntaxError, ValueError):
            continue
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def _is_in(name: str, root: Path) -> bool:
    return (root / f"{name}.py").is_file() or (root / name / "__init__.py").is_file()
