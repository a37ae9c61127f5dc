"""Are planted faults noticed by the tests? Mutants of the modules that implement formulas.

    python benchmarks/mutants.py WORK [--each 30] [--seed 0] [--minutes 60] [--again] [--table]

A mutant is a module with one change: an operator, comparison, constant, condition, or the order of
two arguments. It is noticed if a test fails, or does not end, of the files of the module's name and
those that import it. ``--again`` tries those that were not noticed with the tests of today, and all
near by that execute the changed function: which tests do is recorded once for each file.
`each` mutants are drawn from each room, and the faults of ``PLANTED`` come first. WORK keeps what
is known: a benchmark that was stopped goes on where it was. ``--table`` prints what is there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests")]

from children import NEVER, in_child, preload  # noqa: E402
from executed import QUIET, executing  # noqa: E402
from mutations import Mutant, mutant_at, sites  # noqa: E402
from planting import load, plant  # noqa: E402

ROOMS = {
    "search spaces": ["nasir/search_spaces/**/*.py"],
    "strategies": ["nasir/strategies/**/*.py"],
    "proxies": ["nasir/proxies/*.py"],
    "fitting": ["nasir/fitting/*.py"],
    "training": ["nasir/training/*.py"],
    "degradations": ["nasir/tasks/degradations/*.py", "nasir/tasks/physics/*.py"],
    "losses and metrics": ["nasir/tasks/*.py", "nasir/core/metrics.py", "nasir/core/cost.py"],
}
NO_FORMULA = {"diagram", "checkpoint", "memory", "device", "checks", "feed", "captured", "timing"}
NO_FORMULA |= {"supernet_file", "interruption", "preparation", "generators"}
"""Modules of these rooms that implement none: files, drawings, devices."""

TESTS = ROOT / "tests"
COVERING = (*("search_spaces", "strategies", "proxies", "fitting", "training", "tasks", "core"),)
COVERING += ("evaluators", "kernels", "networks", "baselines")
"""Rooms of tests that are fast and about formulas."""

PLANTED = [
    ("nasir/fitting/collapse.py", "decibels / 10)", "3 * decibels / 10)"),
    (
        "nasir/fitting/descent.py",
        "self._output, self.average, self.settings.averaging",
        "self.average, self._output, self.settings.averaging",
    ),
]
"""Faults that once went unnoticed: the guard three times as lax, the output average's weights."""

BUDGET, LONGEST = 15.0, 3.0
"""Seconds of processor time: of tests together, and of one test."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--each", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so many")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    results = arguments.work / "mutants.jsonl"
    started = time.perf_counter()
    if not arguments.table:
        preload()
        tests = Tests(arguments.work, load(ROOT))
        known = {one["id"]: one for one in read(results)}
        for room, mutant in drawn(arguments.each, arguments.seed):
            before = known.get(mutant.id)
            if before and (before["noticed"] or not arguments.again):
                continue
            if time.perf_counter() > 60 * arguments.minutes + started:
                break
            found = tried(mutant, tests, arguments.again)
            line = {"id": mutant.id, "room": room, "change": mutant.change, **found}
            print(line, flush=True)
            with results.open("a") as file:
                file.write(json.dumps(line) + "\n")
    print_table({one["id"]: one for one in read(results)}.values())


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def drawn(each: int, seed: int) -> Iterator[tuple[str, Mutant]]:
    """The planted faults, then `each` mutants of each room, one room after the other in turn."""
    for file, old, new in PLANTED:
        yield "planted", Mutant.by_text(ROOT, file, old, new)
    chosen = []
    for room, patterns in ROOMS.items():
        files = sorted({path for pattern in patterns for path in ROOT.glob(pattern)})
        files = [path for path in files if path.stem not in NO_FORMULA]
        found = [site for path in files for site in sites(ROOT, path)]
        found.sort(key=partial(drawn_at, f"{seed} {room}"))
        chosen.append([(room, site) for site in found[:each]])
    for together in zip(*chosen, strict=True):
        for room, site in together:
            yield room, mutant_at(ROOT, *site)


def drawn_at(seed: str, site: tuple[str, int, int]) -> str:
    """The place of a site in the draw, which changes in other modules leave as it is."""
    return hashlib.sha256(f"{seed} {site}".encode()).hexdigest()


class Tests:
    """The tests of COVERING and what they execute; `imported` are the functions imports call."""

    def __init__(self, work: Path, imported: set[str]) -> None:
        files = sorted(path for room in COVERING for path in (TESTS / room).rglob("test_*.py"))
        self.files = {path: path.read_text() for path in files}
        self.work = work
        self.imported = imported

    def near(self, mutant: Mutant) -> list[str]:
        """Files of the module's name, and those that import it; if none, those of its folder."""
        module = Path(mutant.file).relative_to("nasir")
        name = f"test_{module.stem}.py"
        dotted = f"{'.'.join(('nasir', *module.with_suffix('').parts))} "
        near = [path for path, text in self.files.items() if path.name == name or dotted in text]
        near.sort(key=lambda path: (path.name != name, path.parent != TESTS / module.parent))
        return list(map(str, near or self.folder(mutant)))

    def folder(self, mutant: Mutant) -> list[Path]:
        """The test files of the module's folder, or of the one around it."""
        folder = TESTS / Path(mutant.file).relative_to("nasir").parent
        while not folder.is_dir():
            folder = folder.parent
        return sorted(folder.rglob("test_*.py"))

    def executing(self, mutant: Mutant) -> list[str]:
        """The tests of all these files that execute the changed function, the shortest first.

        Where more than a function is changed, all that execute the module.
        """
        files = sorted({*map(Path, self.near(mutant)), *self.folder(mutant)})
        module = mutant.file.removeprefix("nasir/")
        found: dict[str, float] = {}
        for name, tests in executing(files, ROOT, self.work / "executed.jsonl", in_child).items():
            whole = self.is_imported(mutant) and name.startswith(f"{module}:")
            if whole or name == f"{module}:{mutant.function}":
                found |= tests
        return sorted(found, key=lambda test: found[test])

    def is_imported(self, mutant: Mutant) -> bool:
        """Whether a change has effects on imports."""
        changed = f"{mutant.file.removeprefix('nasir/')}:{mutant.function}"
        return not mutant.function or changed in self.imported


class Limit:
    """A pytest plugin: skips a test that takes long, and all when the processor time is over."""

    def __init__(self, overrun: Path) -> None:
        self.overrun = overrun

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        if time.process_time() > BUDGET:
            item.add_marker(pytest.mark.skip("the budget is over"))
        signal.signal(signal.SIGPROF, partial(self.end, item.nodeid))
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        result = yield
        signal.setitimer(signal.ITIMER_PROF, 0)
        return result

    def end(self, test: str, *_: Any) -> None:
        with self.overrun.open("a") as file:
            file.write(f"{test}\n")
        pytest.skip("takes long")


def tried(mutant: Mutant, known: Tests, again: bool) -> dict[str, Any]:
    """Whether tests notice `mutant`, and how."""
    started, how = time.perf_counter(), "no test"
    overrun = known.work / "overrun"
    overrun.unlink(missing_ok=True)
    tests = known.executing(mutant) if again else known.near(mutant)
    if tests:
        how = ended(partial(test_with, mutant, tests, overrun, known))
    for test in overrun.read_text().splitlines()[:1] if overrun.exists() else ():
        overrun.unlink()  # does it take as long without the mutant?
        as_ever = ended(partial(test_with, None, [test], overrun, known)) == "passed"
        if how == "passed" and as_ever and not overrun.exists():
            how = NEVER
    seconds = round(time.perf_counter() - started, 1)
    return {"noticed": how not in ("passed", "no test"), "how": how, "seconds": seconds}


def test_with(mutant: Mutant | None, tests: list[str], overrun: Path, known: Tests) -> int:
    """Pytest's exit code where tests meet the mutant in place of its module."""
    if mutant is not None:
        plant(mutant, ROOT, known.is_imported(mutant))
    os.chdir(ROOT)
    return int(pytest.main([*QUIET, "-x", *tests], plugins=[Limit(overrun)]))


def ended(work: Callable[[], int]) -> str:
    """How pytest, whose exit code `work` returns, ends in a child process."""
    code = in_child(work)
    named = {0: "passed", 1: "failed", 2: "failed"}
    return code if isinstance(code, str) else named.get(code, f"died with {code}")


def print_table(found: Any) -> None:
    found = list(found)
    rooms = dict.fromkeys(one["room"] for one in found)
    print("\n| | mutants | noticed | |\n|---|---|---|---|")
    for room in [*rooms, "all"]:
        those = [one for one in found if room in (one["room"], "all")]
        noticed = Counter(one["noticed"] for one in those)[True]
        print(f"| {room} | {len(those)} | {noticed} | {100 * noticed / len(those):.0f} % |")
    print("\nnot noticed:")
    for one in found:
        if not one["noticed"]:
            print(f"- {one['id']}: {one['change']} ({one['how']})")


if __name__ == "__main__":
    main()
