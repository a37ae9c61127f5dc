"""Scripts that start worker processes need ``if __name__ == "__main__":``.

A spawned process imports the program that starts it, and so would begin the same work again.
"""

from __future__ import annotations

import ast
import multiprocessing
import sys
import threading
from pathlib import Path
from types import ModuleType

from nasir.core.errors import NasirError

NAMES = {"__name__", "parent_process", "current_process"}
"""What a test of a main guard looks at."""


def refuse_without_guard() -> None:
    """Refuse to start processes from a script's own lines, outside a main guard.

    Raises :class:`~nasir.core.errors.NasirError`, in the process that would start them.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise NasirError(_needs_guard("this script"))
    program = sys.modules["__main__"]
    file = getattr(program, "__file__", None)
    spec = getattr(program, "__spec__", None)
    if file is None or (spec is not None and spec.name.endswith("__main__")):
        return  # typed in, or a package's program, which is not imported again
    line = _line_of(program)
    if line is not None and not _is_guarded(file, line):
        raise NasirError(_needs_guard(f"{Path(file).name}, line {line},"))


def _needs_guard(where: str) -> str:
    return (
        f"{where} would be repeated by each of its worker processes: put it under "
        'if __name__ == "__main__":'
    )


def _line_of(program: ModuleType) -> int | None:
    """The line of the `program` itself that is carried out now."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "<module>" and frame.f_globals is vars(program):
            return frame.f_lineno
        frame = frame.f_back
    return None


def _is_guarded(file: str, line: int) -> bool:
    """Whether a line is within a test of the process, or after one that leaves the program."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True
    return any(
        (node.lineno <= line <= (node.end_lineno or line)) or _leaves(node)
        for node in tree.body
        if isinstance(node, ast.If) and node.lineno <= line and _names(node.test) & NAMES
    )


def _leaves(node: ast.If) -> bool:
    last = node.body[-1]
    return isinstance(last, ast.Raise) or "exit" in _names(last)


def _names(node: ast.AST) -> set[str]:
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    return names | {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
