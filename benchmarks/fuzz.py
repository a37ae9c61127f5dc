"""Bad input of every kind, by the ten thousand: does anything but a result or a refusal come of it?

    python benchmarks/fuzz.py [KIND ...] [--cases 20000] [--first 0] [--seed 0] [--json PATH]

Kinds: words, settings_files, pictures, architectures, run_folders. Case n of a kind is the same
whenever it is tried with the same seed: ``--first N --cases 1`` tries one again and shows it, and
``--first`` goes on where another call ended. Printed are the cases a second, what came of them, and
each case that went wrong; the exit code is 1 where there was one. See ``tests/fuzzing``.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

TESTS = Path(__file__).parents[1] / "tests"
KINDS = ("words", "settings_files", "pictures", "architectures", "run_folders")
EVERY = 60.0
"""Seconds between two lines about how far it is."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", default=KINDS)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory(prefix="nasir-fuzz-") as name:
        folder = Path(name)
        os.environ["NASIR_CONFIG"] = str(folder / "configuration")
        logging.basicConfig(level=logging.CRITICAL)
        sys.path.insert(0, str(TESTS))
        make_known()
        os.chdir(folder)
        for kind in arguments.kinds:
            figures[kind] = tried(kind, folder, arguments.seed, arguments.first, arguments.cases)
            printed = figures[kind] | {"wrong": len(figures[kind]["wrong"])}
            print(json.dumps({kind: printed}, indent=1), flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=1))
    return 1 if any(one["wrong"] for one in figures.values()) else 0


def make_known() -> None:
    """Make the tests' toy plugin known to this process."""
    import toy_plugin

    from nasir.core.registry import registries
    from nasir.plugins.manager import plugins

    list(registries["space"])
    plugins().add("toy", toy_plugin, registries)


def tried(kind: str, folder: Path, seed: int, first: int, cases: int) -> dict[str, Any]:
    """Try the cases of a kind; what came of them."""
    from fuzzing.outcomes import outcome_of

    make = maker(kind, folder)
    place = folder / "given" / kind
    place.mkdir(parents=True)
    counts: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    wrong = []
    began = printed = time.monotonic()
    for number in range(first, first + cases):
        case = make(Random(f"{kind} {seed} {number}"), place)
        outcome = outcome_of(case, place)
        counts[outcome.kind] += 1
        labels[f"{case.label}: {outcome.kind}"] += 1
        if outcome.defect is not None or cases == 1:
            wrong.append({"case": number, "given": case.given, "defect": outcome.defect})
            print(f"{kind} {number}: {case.given}\n{outcome.defect or outcome.stderr}", flush=True)
        if time.monotonic() - printed > EVERY:
            printed = time.monotonic()
            print(f"{kind}: {number - first + 1} of {cases}, {dict(counts)}", flush=True)
    seconds = time.monotonic() - began
    return {
        "cases": cases,
        "outcomes": dict(sorted(counts.items())),
        "by_command": dict(sorted(labels.items())),
        "cases_a_second": round(cases / seconds, 1),
        "seconds": round(seconds, 1),
        "wrong": [one for one in wrong if one["defect"]],
    }


def maker(kind: str, folder: Path) -> Any:
    """The function that makes a case of a source of chance and a folder to write in."""
    module = import_module(f"fuzzing.{kind}")
    if kind == "run_folders":
        return partial(module.case, samples=module.made(folder / "samples"))
    return module.case


if __name__ == "__main__":
    sys.exit(main())
