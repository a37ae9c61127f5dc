"""Classes named by import strings ``module:Class``."""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

PROGRAM = "__main__"
"""The module of the program itself: a script, a notebook, or an interactive session."""


def import_string(cls: type) -> str:
    """The import string of a class."""
    return f"{cls.__module__}:{cls.__qualname__}"


def load(string: str) -> Any:
    """The object of an import string; raises whatever its import raises."""
    module, _, name = string.partition(":")
    found: Any = import_module(module)
    for step in name.split("."):
        found = getattr(found, step)
    return found


def loaded(string: str) -> Any:
    """The object of an import string if its module is imported already, else None."""
    module, _, name = string.partition(":")
    return getattr(sys.modules.get(module), name, None)


def is_importable(cls: type) -> bool:
    """Whether a process that this one starts can import a class.

    It cannot import a class from inside a function, from a notebook or an interactive session,
    nor one that a script defines under ``if __name__ == "__main__"``.
    """
    if "<locals>" in cls.__qualname__:
        return False
    if cls.__module__ == PROGRAM:
        return cls.__qualname__.partition(".")[0] in _classes_of_script()
    return _is_found(cls.__module__)


def _classes_of_script() -> set[str]:
    """The classes that the script at work defines at its top level."""
    file = getattr(sys.modules[PROGRAM], "__file__", None)
    try:
        tree = ast.parse(Path(file).read_bytes()) if file else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return set()
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def _is_found(module: str) -> bool:
    """Whether a module is on the import path; that it is imported here does not count."""
    path, name = None, ""
    for step in module.split("."):
        name = f"{name}.{step}" if name else step
        finders = [f for f in sys.meta_path if hasattr(f, "find_spec")]
        spec = next(filter(None, (finder.find_spec(name, path) for finder in finders)), None)
        if spec is None:
            return False
        path = spec.submodule_search_locations
    return True
