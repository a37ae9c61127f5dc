"""The files that modules consist of, for machines that have not got them."""

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
"""MiB of a module's files beyond which they are not sent."""

log = logging.getLogger("nasir")


def sources(modules: Iterable[str]) -> dict[str, bytes]:
    """By relative path, the files of top-level modules and of those beside them that they import.

    What has compiled parts or is larger than :data:`LARGEST` is left out: it must be installed
    where it is wanted.
    """
    found: dict[str, bytes] = {}
    waiting, seen = sorted(modules), {"nasir", "__main__", *sys.stdlib_module_names}
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for root, paths in _located(name):
            if _can_be_sent(name, paths):
                files = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
                found |= files
                beside = root not in _installed()
                waiting += [n for n in _imported(files) if beside and _is_in(n, root)]
    return found


def _located(name: str) -> Iterator[tuple[Path, list[Path]]]:
    """The folders that a top-level module lies in, with its files; a namespace has several."""
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


def _imported(files: dict[str, bytes]) -> Iterator[str]:
    """The top-level names of all that these files import, wherever in them."""
    for path, content in files.items():
        if not path.endswith(".py"):
            continue
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def _is_in(name: str, root: Path) -> bool:
    return (root / f"{name}.py").is_file() or (root / name / "__init__.py").is_file()


def _installed() -> set[Path]:
    """The folders of what was installed, whose neighbours have nothing to do with each other."""
    return {Path(path) for path in sysconfig.get_paths().values()}
