"""Search, derive, train and evaluate in each supernet space, at a reduced size on two cores.

    python benchmarks/supervised.py BSDS500 WORK [--seeds 3 --iterations 500 ...]

BSDS500 has the folders train, val and test; WORK keeps runs and figures, and a benchmark that was
stopped goes on where it was. Every network (found, random from the same space, DnCNN of the
found one's size) is trained with the same patches, steps and seed, and restores the same
pictures. ``--table`` prints what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, stdev
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

LOSS = "mse+0.6*log_ssim"

SPACES: dict[str, dict[str, Any]] = {
    "hinas": {"search_width": 4, "width": 8},
    "irnas": {"layers": 2, "nodes": 3, "search_width": 4, "width": 6},
    "clearer": {"channels": 8},
}

VARIANTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "hinas": ("hinas", {}, {"loss": LOSS}),
    "hinas, cells shared": ("hinas", {"layer_wise": False}, {"loss": LOSS}),
    "hinas, widths fixed": ("hinas", {"widths": [2.0]}, {"loss": LOSS}),
    "hinas, mse alone": ("hinas", {}, {"loss": "mse"}),
    "irnas": ("irnas", {}, {"loss": "mse+0.5*log_ssim"}),
    "clearer": ("clearer", {}, {"entropy": 0.01}),
    "clearer, lambda 0 0": ("clearer", {}, {}),
    "clearer, lambda 0.1 0": ("clearer", {}, {"entropy": 0.1}),
    "clearer, lambda 0.01 0.01": ("clearer", {}, {"entropy": 0.01, "complexity": 0.01}),
    "clearer, lambda 0.1 0.1": ("clearer", {}, {"entropy": 0.1, "complexity": 0.1}),
}
"""Space, its settings and the strategy's, beside what all have in common."""

RIVALS = ("hinas", "irnas", "clearer")
"""The variants beside which a random architecture and DnCNN are trained."""


def main() -> None:
    arguments = _arguments()
    work = Path(arguments.work)
    work.mkdir(parents=True, exist_ok=True)
    results = work / "results.jsonl"
    if not arguments.table:
        _measure(arguments, results)
    _print_tables([json.loads(line) for line in results.read_text().splitlines()])


def _measure(arguments: argparse.Namespace, results: Path) -> None:
    done = set()
    if results.exists():
        rows = (json.loads(line) for line in results.read_text().splitlines())
        done = {(row["variant"], row["seed"]) for row in rows}
    variants = RIVALS if arguments.rivals else VARIANTS
    units = [(v, s) for s in range(arguments.seeds) for v in variants if (v, s) not in done]
    with ProcessPoolExecutor(arguments.workers, get_context("spawn")) as pool:
        futures = {pool.submit(measure, vars(arguments), *unit): unit for unit in units}
        for future in as_completed(futures):
            if error := future.exception():
                print(*futures[future], "failed:", repr(error), flush=True)
                continue
            made = future.result()
            with results.open("a") as file:
                file.writelines(json.dumps(row) + "\n" for row in made)
            for row in made:
                print(row, flush=True)


def measure(how: dict[str, Any], variant: str, seed: int) -> list[dict[str, Any]]:
    """One search, and the training of what it found and of its rivals."""
    import nasir
    from nasir.runs.run import Run

    space, of_space, of_strategy = VARIANTS[variant]
    settings = _settings(how, space, of_space, of_strategy, seed)
    folder = Path(how["work"]) / "runs"
    name = f"{variant}-{seed}".replace(", ", "-").replace(" ", "-")
    started = time.process_time()
    if (folder / name).exists():
        run = nasir.resume(folder / name)
    else:
        run = nasir.search(**settings, folder=str(folder), name=name)
    found = Run(run.folder).final_evaluations[("found", "test")]
    searched = sum(trial.seconds or 0.0 for trial in run.trials)
    rows = [
        {
            **_row(variant, seed, "found", found.metrics),
            "search_seconds": searched,
            "architecture": found.architecture.mapping,
        }
    ]
    if variant in RIVALS:
        rows.append(_random(settings, variant, seed, folder / f"{name}-random.json"))
        rows.append(_dncnn(settings, variant, seed, int(found.metrics["parameters"])))
    rows[0]["process_seconds"] = time.process_time() - started
    return rows


def _settings(
    how: dict[str, Any], space: str, of_space: Any, of_strategy: Any, seed: int
) -> dict[str, Any]:
    data = Path(how["data"])
    strategy = {"name": "darts", "epochs": how["epochs"], "steps": how["steps"], **of_strategy}
    strategy |= {"warmup": how["epochs"] // 4, "patch": how["patch"], "batch": how["search_batch"]}
    strategy |= {"keep_from": how["epochs"] // 2, "tile": 0, "crop": 64, "arch_lr": how["arch_lr"]}
    return {
        "space": {"name": space, **SPACES[space], **of_space},
        "strategy": strategy,
        "task": {
            "name": "denoise",
            "images": [str(data / "train"), str(data / "val")],
            "test_images": [str(data / "test" / how["test"])],
            "sigma": how["sigma"],
            "color": "grey",
            "size": how["size"],
        },
        "evaluator": {
            "name": "train",
            "iterations": how["iterations"],
            "batch": how["batch"],
            "patch": how["patch"],
            "loss": of_strategy.get("loss", "mse"),
        },
        "references": [],
        "seed": seed,
        "threads": 1,
    }


def _random(settings: dict[str, Any], variant: str, seed: int, file: Path) -> dict[str, Any]:
    """An architecture drawn from the same space, trained and evaluated in the same way."""
    import numpy as np

    from nasir.apps.evaluate.entries import ArchitectureEntry
    from nasir.core.evaluator import Problem
    from nasir.core.trial import FULL
    from nasir.settings import building

    parts = {kind: building.make(kind, settings[kind]) for kind in ("space", "task", "evaluator")}
    architecture = parts["space"].domain.sample(np.random.default_rng(seed))
    problem = Problem(parts["space"], parts["task"], {FULL: parts["evaluator"]}, seed)
    result = ArchitectureEntry("random", architecture, problem, 1).evaluate()
    if result.error:
        raise RuntimeError(result.error)
    file.write_text(architecture.json)
    return _row(variant, seed, "random", result.metrics)


def _dncnn(settings: dict[str, Any], variant: str, seed: int, parameters: int) -> dict[str, Any]:
    """DnCNN with as many parameters, trained on the same patches with the same hyperparameters."""
    import torch
    from dncnn import of_size

    from nasir.core.seeds import derived_seed
    from nasir.settings import building
    from nasir.training.trainer import train
    from nasir.training.validation import mean_metrics

    torch.set_num_threads(1)
    task = building.make("task", settings["task"])
    evaluator = building.make("evaluator", settings["evaluator"])
    own = derived_seed(seed, "final", "test")
    torch.manual_seed(own)
    network = of_size(parameters)
    trained = train(network, task.patches(), evaluator.hyperparameters(1.0), own).final()
    found = mean_metrics(trained, task.samples("test"), task)
    size = sum(parameter.numel() for parameter in network.parameters())
    return _row(variant, seed, "dncnn", {**found, "parameters": size})


def _row(variant: str, seed: int, what: str, metrics: Any) -> dict[str, Any]:
    names = ("psnr", "ssim", "degraded_psnr", "degraded_ssim", "parameters")
    figures = {name: metrics[name] for name in names if name in metrics}
    return {"variant": variant, "seed": seed, "what": what, **figures}


def _print_tables(rows: list[dict[str, Any]]) -> None:
    """Means and standard deviations over the seeds."""
    print("| | seeds | input | found | random | DnCNN | parameters found, random, DnCNN |")
    print("|---|---|---|---|---|---|---|")
    for variant in VARIANTS:
        ours = {w: [r for r in rows if (r["variant"], r["what"]) == (variant, w)] for w in WHAT}
        if not ours["found"]:
            continue
        cells = [_figure(ours[what]) for what in WHAT]
        sizes = ", ".join(
            f"{mean(r['parameters'] for r in ours[what]):,.0f}" for what in WHAT if ours[what]
        )
        noisy = mean(r["degraded_psnr"] for r in ours["found"])
        print(
            f"| {variant} | {len(ours['found'])} | {noisy:.2f} |", " | ".join(cells), f"| {sizes} |"
        )
    spent = sum(row.get("process_seconds", 0.0) for row in rows)
    print(f"\nprocessor time: {spent / 60:.0f} min")


WHAT = ("found", "random", "dncnn")


def _figure(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    psnr, ssim = ([row[name] for row in rows] for name in ("psnr", "ssim"))
    spread = stdev(psnr) if len(psnr) > 1 else 0.0
    return f"{mean(psnr):.2f} ± {spread:.2f} / {mean(ssim):.4f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("work")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sigma", type=float, default=50.0)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--steps", type=int, default=8, help="weight steps an epoch")
    parser.add_argument("--search-batch", type=int, default=2)
    parser.add_argument("--arch-lr", type=float, default=0.02)
    parser.add_argument("--iterations", type=int, default=200, help="of a training")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--patch", type=int, default=32)
    parser.add_argument("--size", type=int, default=128, help="side of a test picture's middle")
    parser.add_argument("--test", default="10*.jpg", help="which of the test pictures")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rivals", action="store_true", help="leave out the ablations")
    parser.add_argument("--table", action="store_true", help="only print what is there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
