"""Every recipe to its end at a small size, one after another, its columns beside the paper's.

    python benchmarks/recipes.py WORK [NAME ...] [--limit 600] [--again] [--table]

A recipe is run in a process of its own as by ``nasir paper NAME --small``; those that are
evaluated there are searched with, too, by ``nasir run``. WORK keeps what ended: a benchmark that
was stopped goes on where it was. ``--again`` runs those that failed once more. ``--table`` prints
what is there; the exit code is 1 where a recipe failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
ROOT = Path(__file__).resolve().parents[1]
os.environ["PYTHONPATH"] = str(ROOT)
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from children import NEVER, in_child, preload  # noqa: E402

from nasir.apps.paper.papers import find, order  # noqa: E402
from nasir.apps.paper.small import small_words  # noqa: E402
from nasir.cli.main import main as nasir  # noqa: E402
from nasir.core.registry import registries  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds of processor time")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    results = arguments.work / "recipes.jsonl"
    known = _read(results)
    preload()
    for name in sorted(arguments.names or registries["recipe"], key=order):
        before = known.get(name)
        if arguments.table or (before and not (arguments.again and before["error"])):
            continue
        known[name] = _run(name, arguments.work, arguments.limit)
        print(name, known[name]["seconds"], known[name]["error"] or "ended", flush=True)
        with results.open("a") as file:
            file.write(json.dumps(known[name]) + "\n")
    _print(known)
    return int(any(one["error"] for one in known.values()))


def _read(file: Path) -> dict[str, dict[str, Any]]:
    lines = file.read_text().splitlines() if file.exists() else []
    return {one["name"]: one for one in map(json.loads, lines)}


def _run(name: str, work: Path, limit: float) -> dict[str, Any]:
    """One recipe: its lines, or why there are none."""
    commands = [["paper", name, "--small", "--json"]]
    if find(name).makes == "evaluate":
        commands.append(["run", name, *small_words([name]), "--json"])
    found: dict[str, Any] = {"name": name, "error": None, "lines": []}
    started = time.perf_counter()
    for words in commands:
        ended = _ended(words, work, limit)
        if isinstance(ended, str):
            found["error"] = f"nasir {words[0]}: {ended}"
            break
        found["lines"] = found["lines"] or ended
    return found | {"seconds": round(time.perf_counter() - started, 1)}


def _ended(words: list[str], work: Path, limit: float) -> Any:
    """What a command prints as JSON, or in words how else it ended."""
    printed, errors = work.resolve() / "printed", work.resolve() / "errors"
    code = in_child(partial(_in, work, words), printed, errors, limit)
    if code == NEVER:
        return f"not within {limit:g} s"
    if code != 0:
        return f"exit code {code}: {(errors.read_text() or printed.read_text()).strip()[-400:]}"
    return json.loads(printed.read_text())


def _in(work: Path, words: list[str]) -> int:
    os.chdir(work)
    return nasir(words)


def _print(known: dict[str, dict[str, Any]]) -> None:
    print("\n| recipe | | here | in the paper |\n|---|---|---|---|")
    for name in sorted(known, key=order):
        lines = known[name]["lines"]
        made = {one["name"]: one["ours"] for one in lines if one["ours"]}
        for row, ours in made.items():
            if row != "degraded input":
                theirs = ((one["where"], one["theirs"]) for one in lines if one["name"] == row)
                paper = "; ".join(f"{where} {_first(of)}".strip() for where, of in theirs if of)
                print(f"| `{name}` | {row} | {_first(ours)} | {paper} |")
    ended = [one for one in known.values() if not one["error"]]
    print(f"\n{len(ended)} of {len(known)} recipes ended, in all", end=" ")
    print(f"{sum(one['seconds'] for one in known.values()) / 60:.0f} minutes")
    for one in known.values():
        if one["error"]:
            print(f"- {one['name']}: {one['error']}")


def _first(figures: dict[str, Any]) -> str:
    """The figure that a table is about."""
    shown = ("tau", "fid_AtoB", "mse", "psnr", "best", "cycle_loss")
    found = next((figures[name] for name in shown if name in figures), "")
    return f"{found:.4g}" if isinstance(found, float) else str(found)


if __name__ == "__main__":
    sys.exit(main())
