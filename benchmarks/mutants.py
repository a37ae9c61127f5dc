"""Are planted faults noticed by the tests? Mutants of the modules that implement formulas.

    python benchmarks/mutants.py WORK [--each 30] [--seed 0] [--again] [--table]

A mutant is a module with one change: an operator, comparison, constant, condition, or the order of
two arguments. It is noticed if one of the tests of its module fails, or does not end; those of its
name come first, then those that import it, then those of its folder. `each` mutants are drawn from
each room, and the faults of ``PLANTED`` come first. WORK keeps what is known: a benchmark that was
stopped goes on where it was. ``--again`` tries those that were not noticed again with the tests of
today, ``--table`` prints what is there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests")]

from mutations import Mutant, mutant_at, sites  # noqa: E402

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
        "self._output, self.average, settings.averaging",
        "self.average, self._output, settings.averaging",
    ),
]
"""Faults that once went unnoticed: the guard three times as lax, the output average's weights."""

BUDGET, LONGEST = 40.0, 6.0
"""Seconds of processor time: of a group of tests, and of one test."""

HANGING = 180.0
"""Seconds without any processor time after which a child is ended."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--each", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    results = arguments.work / "mutants.jsonl"
    if not arguments.table:
        for module in ("torch", "numpy", "scipy.stats", "skimage.metrics", "hypothesis"):
            importlib.import_module(module)  # once, not in each child
        known = {one["id"]: one for one in read(results)}
        for room, mutant in drawn(arguments.each, arguments.seed):
            before = known.get(mutant.id)
            if before and (before["noticed"] or not arguments.again):
                continue
            found = tried(mutant, arguments.work)
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
        random.Random(f"{seed} {room}").shuffle(found)
        chosen.append([(room, site) for site in found[:each]])
    for together in zip(*chosen, strict=True):
        for room, site in together:
            yield room, mutant_at(ROOT, *site)


def tests_of(file: str) -> list[list[str]]:
    """The test files for a module: of its name, then that import it, then of its folder."""
    module = Path(file).relative_to("nasir").with_suffix("")
    dotted = ".".join(("nasir", *module.parts))
    folder = TESTS.joinpath(*module.parent.parts)
    while not folder.is_dir():
        folder = folder.parent
    named = sorted(TESTS.rglob(f"test_{module.name}*.py"))
    named.sort(key=lambda path: path.parent != folder)
    everything = sorted(path for room in COVERING for path in (TESTS / room).rglob("test_*.py"))
    importing = [path for path in everything if f"{dotted} " in path.read_text()]
    near = sorted(folder.rglob("test_*.py")) if folder != TESTS else []
    groups, seen = [], set[Path]()
    for group in (named, importing, near):
        groups.append([str(path) for path in group if path not in seen])
        seen.update(group)
    return [group for group in groups if group]


class Budget:
    """A pytest plugin: leaves tests that take long, and ends when the processor time is over."""

    def __init__(self, overrun: Path) -> None:
        self.overrun = overrun

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        if time.process_time() > BUDGET:
            item.session.shouldstop = "the budget is over"
        signal.signal(signal.SIGPROF, partial(self.end, item.nodeid))
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        yield
        signal.setitimer(signal.ITIMER_PROF, 0)

    def end(self, test: str, *_: Any) -> None:
        with self.overrun.open("a") as file:
            file.write(f"{test}\n")
        pytest.skip("takes long")


def tried(mutant: Mutant, work: Path) -> dict[str, Any]:
    """Whether tests notice `mutant`."""
    started, how = time.perf_counter(), "no test"
    overrun = work / "overrun"
    for tests in tests_of(mutant.file):
        overrun.unlink(missing_ok=True)
        how = in_child(["-x", *tests], mutant, overrun)
        for test in overrun.read_text().splitlines()[:1] if overrun.exists() else ():
            overrun.unlink()  # does it take as long without the mutant?
            if in_child([test], None, overrun) == "passed" and not overrun.exists():
                how = "never ended"
        if how != "passed":
            break
    seconds = round(time.perf_counter() - started, 1)
    return {"noticed": how not in ("passed", "no test"), "how": how, "seconds": seconds}


def in_child(words: list[str], mutant: Mutant | None, overrun: Path) -> str:
    """How pytest ends in a child process, which sees the mutant in place of its module."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        code = 3
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            if mutant is not None:
                plant(mutant)
            os.chdir(ROOT)
            quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--timeout=0", "--no-header"]
            code = int(pytest.main([*quiet, *words], plugins=[Budget(overrun)]))
        finally:
            os._exit(code)
    moved, used = time.monotonic(), 0.0
    while time.monotonic() - moved < HANGING:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return {0: "passed", 1: "failed", 2: "failed"}.get(code, f"died with {code}")
        if (now := processor_time(child)) > used + 0.1:
            moved, used = time.monotonic(), now
        time.sleep(0.2)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "never ended"


def processor_time(process: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def plant(mutant: Mutant) -> None:
    """Make imports of the mutant's module execute its changed source."""
    path = str(ROOT / mutant.file)
    of = SourceFileLoader.get_code

    def changed(loader: SourceFileLoader, fullname: str) -> Any:
        if loader.path == path:
            return compile(mutant.source, path, "exec", dont_inherit=True)
        return of(loader, fullname)

    SourceFileLoader.get_code = changed  # type: ignore[method-assign]


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
