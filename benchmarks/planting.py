"""Mutants in place of what is imported, so that a forked process need not import it again."""

from __future__ import annotations

import contextlib
import gc
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

from mutations import Mutant


def load(root: Path) -> set[str]:
    """Import all of nasir; the functions that imports call, as ``core/metrics.py:psnr``.

    Of those, more than the code may stay in memory: what they returned.
    """
    called = set[CodeType]()

    def note(frame: FrameType, event: str, of: Any) -> None:
        called.add(frame.f_code)

    sys.settrace(note)
    package = importlib.import_module("nasir")
    for module in pkgutil.walk_packages(package.__path__, "nasir."):
        with contextlib.suppress(ImportError):  # an extra that is not installed
            importlib.import_module(module.name)
    sys.settrace(None)
    start = f"{root}/nasir/"
    ours = (code for code in called if code.co_filename.startswith(start))
    return {f"{code.co_filename.removeprefix(start)}:{code.co_qualname}" for code in ours}


def plant(mutant: Mutant, root: Path, imported: bool) -> None:
    """Change the code of the module's functions; where that is not enough, import nasir anew."""
    if imported:
        _import_changed(mutant, root)
    else:
        _exchange_code(mutant, root)


def _exchange_code(mutant: Mutant, root: Path) -> None:
    path = str(root / mutant.file)
    now = _outermost(compile(Path(path).read_text(), path, "exec", dont_inherit=True))
    changed = _outermost(compile(mutant.source, path, "exec", dont_inherit=True))
    codes = {_key(one): other for one, other in zip(now, changed, strict=True)}
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename == path:
            one.__code__ = codes.get(_key(one.__code__), one.__code__)


def _key(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _outermost(code: CodeType) -> Iterator[CodeType]:
    """The functions of a module and its classes, in the order of the source."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            is_class = "__module__" in one.co_names and "__qualname__" in one.co_names
            yield from _outermost(one) if is_class else (one,)


def _import_changed(mutant: Mutant, root: Path) -> None:
    path = str(root / mutant.file)
    of = SourceFileLoader.get_code

    def changed(loader: SourceFileLoader, fullname: str) -> Any:
        if loader.path == path:
            return compile(mutant.source, path, "exec", dont_inherit=True)
        return of(loader, fullname)

    SourceFileLoader.get_code = changed  # type: ignore[method-assign]
    for name in [name for name in sys.modules if name.split(".")[0] == "nasir"]:
        del sys.modules[name]
