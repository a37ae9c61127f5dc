"""Which functions of nasir each test executes: the tests that can notice a fault in a function."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

QUIET = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--timeout=0", "--no-header")
"""Words for pytest in a process that others start."""


class Executed:
    """A pytest plugin: the functions below `root` that passing tests execute, and their seconds.

    What a fixture of several tests executes belongs to each of them.
    """

    def __init__(self, root: Path) -> None:
        self.root = f"{root}/nasir/"
        self.tests: list[tuple[str, float]] = []
        self.functions: dict[str, list[int]] = {}
        self._failed = False
        self._seen = set[CodeType]()
        self._of_fixtures: dict[Any, set[CodeType]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        self._seen, self._failed = set(), False
        started = time.process_time()
        sys.settrace(self._called)
        threading.settrace(self._called)
        result = yield
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        if self._failed:
            return result
        for definitions in item._fixtureinfo.name2fixturedefs.values():
            self._seen.update(*(self._of_fixtures.get(one, ()) for one in definitions))
        for code in self._seen:
            name = f"{code.co_filename.removeprefix(self.root)}:{code.co_qualname}"
            self.functions.setdefault(name, []).append(len(self.tests))
        self.tests.append((item.nodeid, round(time.process_time() - started, 2)))
        return result

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._failed |= report.failed

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        if fixturedef.scope == "function":
            return (yield)
        before, self._seen = self._seen, set()
        result = yield
        self._of_fixtures[fixturedef] = self._seen
        self._seen = before
        return result

    def _called(self, frame: FrameType, event: str, of: Any) -> None:
        if frame.f_code.co_filename.startswith(self.root):
            self._seen.add(frame.f_code)


def executing(
    files: Iterable[Path], root: Path, known: Path, run: Callable[[Callable[[], None]], object]
) -> dict[str, dict[str, float]]:
    """For each function, as ``core/metrics.py:psnr``, the tests that execute it, with seconds.

    `run` calls what it gets in a child process. `known` keeps a line of each file's contents.
    """
    lines = [json.loads(one) for one in known.read_text().splitlines()] if known.exists() else []
    of_contents = {one["contents"]: one for one in lines}
    found: dict[str, dict[str, float]] = {}
    for file in files:
        contents = hashlib.sha256(str(file).encode() + file.read_bytes()).hexdigest()[:16]
        if contents not in of_contents:
            written = known.with_suffix(".new")
            written.unlink(missing_ok=True)
            run(lambda file=file, to=written: _record(file, root, to))
            made = json.loads(written.read_text()) if written.exists() else {"functions": {}}
            of_contents[contents] = {"contents": contents, **made}
            with known.open("a") as lasting:
                lasting.write(json.dumps(of_contents[contents]) + "\n")
        one = of_contents[contents]
        for function, numbers in one["functions"].items():
            found.setdefault(function, {}).update(one["tests"][number] for number in numbers)
    return found


def _record(file: Path, root: Path, to: Path) -> None:
    recorder = Executed(root)
    os.chdir(root)
    pytest.main([*QUIET, str(file)], plugins=[recorder])
    to.write_text(json.dumps({"tests": recorder.tests, "functions": recorder.functions}))
