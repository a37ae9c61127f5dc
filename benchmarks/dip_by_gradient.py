"""A deep image prior that was searched by gradient, beside random ones and the hand-made one.

    python benchmarks/dip_by_gradient.py [--seeds 3] [--size 32] RESULTS [WORD ...] [--small]

Each seed searches on the two carried search pictures, from their noisy pixels alone. Then what it
found, `--random` architectures drawn uniformly and Deep Image Prior's network are fitted with
equal iterations and the same fit seed, to the search pictures and to the two test pictures, which
the search never saw. Words are settings of the search, such as ``strategy.paths=one``. RESULTS is
a folder; what was stopped goes on where it was. With --small all of it is over in seconds, and
its figures say nothing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import attrs
import numpy as np

from nasir.apps.search import search as api
from nasir.core.architecture import Architecture
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.trial import FULL, Proposal
from nasir.settings.experiment import Experiment

SPLITS = ("search", "test")

SMALL = [
    *("space.depth=1", "space.width=4", "space.kernel=3", "space.dilation=1"),
    *("strategy.epochs=2", "strategy.warmup=1", "strategy.steps=1"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--iterations", type=int, default=150, help="of the fits that are compared")
    parser.add_argument("--random", type=int, default=3, help="architectures drawn a seed")
    parser.add_argument("--small", action="store_true", help="one seed of a tiny search")
    parser.add_argument("words", nargs="*", metavar="WORD")
    arguments = parser.parse_args()
    if arguments.small:
        arguments.seeds, arguments.size, arguments.iterations = 1, 16, 2
        arguments.words = [*SMALL, *arguments.words]
    arguments.results.mkdir(parents=True, exist_ok=True)
    for seed in range(arguments.seeds):
        measure(arguments, seed)
    print_table(read(arguments.results / "fits.jsonl"))


def measure(arguments: argparse.Namespace, seed: int) -> None:
    """Search with a seed, and fit all that are compared."""
    words = [
        *[
            "strategy=darts",
            "space=nasdip",
            "task=denoise",
            "evaluator.stop=fixed",
            "references=[]",
        ],
        f"task.size={arguments.size}",
        f"evaluator.iterations={arguments.iterations}",
        f"seed={seed}",
        *arguments.words,
    ]
    [planned] = api.plan(words, {})
    problem, rng = planned.problem, np.random.default_rng(derived_seed(seed, "drawn"))
    compared = {"found": found(planned, words, arguments.results, seed)}
    for number in range(arguments.random):
        compared[f"random {number}"] = problem.domain.sample(rng)
    compared["deep_image_prior"] = problem.space.named("deep_image_prior")
    results = arguments.results / "fits.jsonl"
    done = {(row["seed"], row["name"], row["split"]) for row in read(results)}
    for split in SPLITS:
        for name, architecture in compared.items():
            if (seed, name, split) not in done:
                row = {"seed": seed, "name": name, "split": split, "what": str(architecture)}
                row["psnr"] = psnr(problem, architecture, split)
                with results.open("a") as file:
                    file.write(json.dumps(row) + "\n")


def found(planned: Experiment, words: list[str], folder: Path, seed: int) -> Architecture:
    """What the search recommends, done before or now."""
    name = f"search-{seed}"
    there = (folder / name).exists()
    run = api.resume(folder / name) if there else api.search(*words, folder=str(folder), name=name)
    seconds = sum(trial.seconds or 0.0 for trial in run.trials)
    print(f"seed {seed}: {len(run.trials)} epochs, {seconds:.0f} s", flush=True)
    return planned.strategy.recommend(run.trials).architecture


def psnr(problem: Problem, architecture: Architecture, split: Any) -> float:
    """The mean PSNR in dB over a split's pictures after all iterations."""
    evaluated = attrs.evolve(problem, split=split)
    evaluation = problem.evaluator(FULL).evaluate(
        Proposal(architecture), evaluated, derived_seed(problem.seed, "evaluated")
    )
    return evaluation.metrics["psnr"]


def read(results: Path) -> list[dict[str, Any]]:
    return (
        [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    )


def print_table(rows: list[dict[str, Any]]) -> None:
    for split in SPLITS:
        for kind in ("found", "random", "deep_image_prior"):
            values = [r["psnr"] for r in rows if r["split"] == split and r["name"].startswith(kind)]
            if len(values) > 1:
                figures = f"{mean(values):6.2f} dB, {stdev(values):.2f} over {len(values)}"
                print(f"{split:7} {kind:17} {figures}")


if __name__ == "__main__":
    main()
