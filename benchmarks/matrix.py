"""Which strategy runs on which space with which evaluator, found out by running each.

``python benchmarks/matrix.py [--only WORD ...]`` searches with the smallest settings there are and
prints the table of docs/strategies.md: a check mark where a search came to an architecture in every
space, and what did not, with a number for the one line that nasir says, below.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nasir
from nasir.core.errors import NasirError

SPACES = {
    "nasdip": "space.depth=1 space.width=4",
    "hinas": "space.layers=2 space.nodes=2 space.width=2 space.search_width=2",
    "irnas": "space.layers=2 space.nodes=2 space.width=2 space.search_width=2",
    "clearer": "space.channels=2 space.cells=1 space.columns=2",
}
SUPERNET = "strategy.steps=1 strategy.batch=1 strategy.patch=16 strategy.crop=16"
STRATEGIES = {
    "random": "",
    "exhaustive": "",
    "local_search": "",
    "evolution": "strategy.population=2",
    "rl": "strategy.steps=2 strategy.candidates=1 strategy.hidden=8",
    "bananas": "",
    "nevergrad": "",
    "zero_cost": "strategy.pool=2 strategy.keep=1",
    "isnas": "strategy.pool=2 strategy.keep=2",
    "halving": "strategy.lowest=0.5 strategy.eta=2",
    "hyperband": "strategy.lowest=0.5 strategy.eta=2",
    "darts": f"strategy.epochs=1 strategy.warmup=0 {SUPERNET}",
    "rsws": f"strategy.epochs=1 strategy.candidates=1 {SUPERNET}",
    "spos": f"strategy.epochs=1 strategy.population=2 strategy.parents=1 {SUPERNET}",
    "enas": f"strategy.epochs=1 strategy.updates=1 strategy.candidates=1 {SUPERNET}",
    "random+evolution": "strategy.trials=1 strategy.evolution.population=2",
    "screen": "strategy.candidates=2",
    "portfolio": "strategy.parts=random,local_search",
}
EVALUATORS = {
    "dip": "evaluator.iterations=2",
    "train": "evaluator.iterations=1 evaluator.batch=1 evaluator.patch=16 evaluator.crop=16",
    "shared": "evaluator.patch=16 evaluator.crop=16 evaluator.calibration=1 evaluator.batch=1",
    "proxy": "evaluator.side=16",
    "table": "",
}
TASK = "task=denoise task.size=24 task.color=grey"
TRIALS = 3


def outcome(strategy: str, space: str, evaluator: str, supernets: Mapping[str, Path]) -> str | None:
    """None where a search came to an architecture, else why not, in one line."""
    words = f"{TASK} strategy={strategy} {STRATEGIES[strategy]} evaluator={evaluator} "
    words += EVALUATORS[evaluator]
    if evaluator == "table":
        words = f"{words} dipbench space={space}" if space != "nasdip" else f"{words} dipbench"
        words = f"{words} strategy={strategy} evaluator=table"
    else:
        words = f"{words} space={space} {SPACES[space]}"
    if evaluator == "shared" and space in supernets:
        words = f"{words} evaluator.supernet={supernets[space]}"
    trials = {} if strategy in OWN_LENGTH else {"trials": TRIALS}
    try:
        run = nasir.search(*words.split(), references=(), threads=1, **trials)
        _ = run.best
    except NasirError as error:
        return str(error)
    return None


OWN_LENGTH = ("isnas", "zero_cost", "darts", "rsws", "spos", "enas", "screen")
"""Strategies whose few trials are of stages of their own."""


def trained_supernets(spaces: Mapping[str, str]) -> dict[str, Path]:
    """A run with a supernet of each space, trained for a step."""
    runs = {}
    for space, small in spaces.items():
        words = f"{TASK} space={space} {small} strategy=spos {STRATEGIES['spos']} evaluator=shared "
        words += EVALUATORS["shared"]
        runs[space] = nasir.search(*words.split(), references=(), threads=1).folder.resolve()
    return runs


def cell(reasons: Mapping[str, int | None]) -> str:
    """A check mark where every space runs; else what does not, by the numbers of the reasons."""
    not_run = {space: number for space, number in reasons.items() if number}
    if len(not_run) == len(reasons) and len(set(not_run.values())) == 1:
        return str(next(iter(not_run.values())))
    but = ", ".join(f"{space} {number}" for space, number in not_run.items())
    return f"✓ but {but}" if but else "✓"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="strategies, spaces or evaluators")
    only = set(parser.parse_args().only)

    def chosen(names: Mapping[str, str]) -> list[str]:
        return [name for name in names if not only & set(names) or name in only]

    reasons: dict[str, int] = {}

    def number_of(why: str) -> int:
        return reasons.setdefault(why, len(reasons) + 1)

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        spaces = chosen(SPACES)
        supernets = {}
        if "shared" in chosen(EVALUATORS):
            supernets = trained_supernets({space: SPACES[space] for space in spaces})
        evaluators = chosen(EVALUATORS)
        print(f"| strategy | {' | '.join(evaluators)} |")
        print("|---" * (len(evaluators) + 1) + "|", flush=True)
        for strategy in chosen(STRATEGIES):
            cells = []
            for evaluator in evaluators:
                why = {space: outcome(strategy, space, evaluator, supernets) for space in spaces}
                cells.append(cell({s: w and number_of(w) for s, w in why.items()}))
            print(f"| `{strategy}` | {' | '.join(cells)} |", flush=True)
    print()
    for why, number in reasons.items():
        print(f"{number}. {why}")


if __name__ == "__main__":
    main()
