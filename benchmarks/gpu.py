"""The speed of one GPU: fits, trainings, supernets, scores, each beside a plain program.

    python benchmarks/gpu.py RESULTS.json [--seconds 420] [--device cuda] [--small] [--only fit]

First agreement with the CPU and repeatability, then the rows, each in turn with a plain program in
the same process: eager, one fit, a PSNR and a loss read in each step. A row that is in RESULTS.json
is not measured again, and no row is begun after so many seconds: start it again to go on. `--small`
makes every size small and runs anywhere (with `--device cpu`, without graphs): a test of the
program, not of a card. Milliseconds are medians over blocks of steps, after the first blocks.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from gpu_card import Card, Row
from gpu_fits import (
    PRIOR,
    PUBLISHED,
    row_of_agreement,
    row_of_different_fits,
    row_of_many_fits,
    row_of_one_fit,
    row_of_repeatability,
)
from gpu_trainings import row_of_scoring, row_of_supernet, row_of_training


def rows(card: Card) -> dict[str, Callable[[], Row]]:
    small, middle = card.size(64, 16, 4), card.size(128, 32, 5)
    large, huge = card.size(256, 128, 5), card.size(512, 128, 5)
    found: dict[str, Callable[[], Row]] = {
        "agreement with the CPU": lambda: row_of_agreement(card),
        "the same bits twice": lambda: row_of_repeatability(card),
    }
    for one, place in ((small, "64"), (middle, "128"), (large, "256"), (huge, "512")):
        for name in (PUBLISHED, PRIOR):
            found[f"one fit, {place}, {name}"] = lambda one=one, name=name: row_of_one_fit(
                card, one, name
            )
    for one, place, count in (
        (small, "64", 4),
        (small, "64", 16),
        (small, "64", 32),
        (middle, "128", 8),
    ):
        found[f"fits at once, {place}, {count} of {PUBLISHED}"] = lambda one=one, count=count: (
            row_of_many_fits(card, one, PUBLISHED, count)
        )
    for one, place in ((small, "64"), (middle, "128")):
        found[f"different fits at once, {place}"] = lambda one=one: row_of_different_fits(
            card, one, 8
        )
    for space, architecture, batch in (("hinas", "all_conv", 24), ("clearer", "all_parallel", 32)):
        found[f"training, {space} {architecture}"] = (
            lambda space=space, architecture=architecture, batch=batch: row_of_training(
                card, space, architecture, batch
            )
        )
    found["scoring, 256"] = lambda: row_of_scoring(card, large)
    for space, batch in (("hinas", 8), ("irnas", 8), ("clearer", 32), ("nasdip", 1)):
        found[f"supernet, {space}"] = lambda space=space, batch=batch: row_of_supernet(
            card, space, batch
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--seconds", type=float, default=420, help="no row is begun after these")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", default="", help="rows whose name has this")
    arguments = parser.parse_args()
    if arguments.device != "cpu" and not torch.cuda.is_available():
        parser.error("torch finds no GPU here: take --device cpu --small")
    card, began = Card(arguments.device, arguments.small), time.perf_counter()
    results = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    conditions = about(card)
    if results.setdefault("conditions", conditions) != conditions:
        parser.error(f"{arguments.results} has figures of other conditions: take another file")
    measured: dict[str, Row] = results.setdefault("rows", {})
    for name, measure in rows(card).items():
        if name in measured or arguments.only not in name:
            continue
        if time.perf_counter() - began > arguments.seconds:
            print("The time is over: start it again to go on.")
            break
        try:
            measured[name] = measure()
        except RuntimeError as error:  # of one row; the others are measured
            measured[name] = {"error": str(error).partition("\n")[0]}
        arguments.results.write_text(json.dumps(results, indent=1))
        print(f"{name}: {shown(measured[name])}", flush=True)
    print(table(results))


def about(card: Card) -> dict[str, Any]:
    on_gpu = card.device != "cpu"
    return {
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "tf32 convolutions": torch.backends.cudnn.allow_tf32,
        "small": card.small,
    }


def shown(row: Row) -> str:
    values = (f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
    return ", ".join(values)


def table(results: dict[str, Any]) -> str:
    conditions = ", ".join(f"{name} {value}" for name, value in results["conditions"].items())
    lines = [f"{name} | {shown(row)}" for name, row in results["rows"].items()]
    return "\n".join(
        [conditions, "", "| row | figures |", "|---|---|"] + [f"| {x} |" for x in lines]
    )


if __name__ == "__main__":
    main()
