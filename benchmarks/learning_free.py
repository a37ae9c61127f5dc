"""How well do hand-made, published, random and ISNAS architectures restore, at a reduced size?

    python benchmarks/learning_free.py DATA RESULTS.jsonl [--pictures 3 --seeds 3 ...]

DATA holds the folders Set12, CBM3D and Set5. Each picture and seed is one line of RESULTS; a run
that was stopped goes on where it was. Every architecture is fitted for the same number of
iterations with the same seed, and the last averaged picture counts: no ground truth is used.
``--table`` prints what is there, with the mean over pictures and the spread over seeds.
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

PROXIES = ("psd_db_mse", "psd_db_strip_mse", "psd_strip_hist_emd", "bandwidth_99")

DATASETS: dict[str, tuple[str, dict[str, Any], str]] = {
    "denoising Set12": ("Set12", {"name": "denoise", "sigma": 25.0}, "nasdip_denoising"),
    "denoising CBM3D": ("CBM3D", {"name": "denoise", "sigma": 25.0}, "nasdip_denoising"),
    "inpainting Set12": ("Set12", {"name": "inpaint"}, "nasdip_inpainting"),
    "x4 Set5": ("Set5", {"name": "sr", "scale": 4}, "nasdip_super_resolution"),
}

PAPER = {
    "denoising Set12": (27.92, 26.88, None, 23.77, 28.06, 27.81, 26.86),
    "denoising CBM3D": (28.93, 29.13, None, 30.01, 30.36, 29.04, 28.28),
    "inpainting Set12": (31.00, 30.86, None, 32.22, 31.68, 32.04, 29.91),
    "x4 Set5": (29.89, 30.66, None, 30.22, 30.05, 30.03, 25.23),
}
"""ISNAS-DIP, table 2, in the order of METHODS; its random rows (table 3) are selected among 15."""

METHODS = ("deep_image_prior", "published", "random", *(f"isnas {p}" for p in PROXIES))


def main() -> None:
    arguments = _arguments()
    results = Path(arguments.results)
    if not arguments.table:
        _measure(arguments, results)
    _print_table([json.loads(line) for line in results.read_text().splitlines()])


def _measure(arguments: argparse.Namespace, results: Path) -> None:
    done = set()
    if results.exists():
        rows = (json.loads(line) for line in results.read_text().splitlines())
        done = {(row["dataset"], row["picture"], row["seed"]) for row in rows}
    units = [
        (dataset, picture, seed)
        for picture in range(arguments.pictures)
        for seed in range(arguments.seeds)
        for dataset in DATASETS
    ]
    open_units = [unit for unit in units if unit not in done]
    with ProcessPoolExecutor(arguments.workers, get_context("spawn")) as pool:
        futures = [pool.submit(measure, vars(arguments), *unit) for unit in open_units]
        for future in as_completed(futures):
            row = future.result()
            with results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            figures = {name: round(value, 2) for name, value in row["psnr"].items()}
            print(row["dataset"], row["picture"], row["seed"], figures, round(row["seconds"]), "s")


def measure(how: dict[str, Any], dataset: str, picture: int, seed: int) -> dict[str, Any]:
    """PSNR of every method on one picture with one seed."""
    import torch

    from nasir.core.evaluator import Problem
    from nasir.core.trial import FULL, Proposal, Trial
    from nasir.settings import building

    torch.set_num_threads(1)
    started = time.perf_counter()
    folder, task_settings, published = DATASETS[dataset]
    space = building.make(
        "space",
        {"name": "nasdip", "depth": how["depth"], "width": how["width"], "connections": "full"},
    )
    size = how["size"] if task_settings["name"] != "sr" else how["size"] * 3 // 2
    task = building.make(
        "task",
        task_settings
        | {"images": [str(Path(how["data"]) / folder)], "picture": picture, "size": size},
    )
    evaluator = building.make(
        "evaluator", {"name": "dip", "iterations": how["iterations"], "stop": "fixed"}
    )
    fitted: dict[str, Any] = {}

    def fit(architecture: Any) -> Any:
        if architecture.id not in fitted:
            problem = Problem(space, task, {FULL: evaluator}, seed, "test", artifacts=True)
            fitted[architecture.id] = evaluator.evaluate(Proposal(architecture), problem, seed)
        return fitted[architecture.id]

    psnr = {
        "deep_image_prior": fit(space.named("deep_image_prior")).metrics["psnr"],
        "published": fit(space.named(published)).metrics["psnr"],
    }
    scored: dict[str, dict[str, float]] = {}
    for proxy in PROXIES:
        strategy = building.make(
            "strategy",
            {"name": "isnas", "proxy": proxy, "pool": how["pool"], "keep": how["keep"]},
        )
        problem = Problem(space, task, {FULL: evaluator}, seed, "test")
        scorer = building.make("evaluator", {"name": "proxy", "proxies": list(PROXIES)})
        strategy.bind(problem)
        trials = []
        while (proposal := strategy.ask()) is not None:
            architecture, pictures = proposal.architecture, {}
            if proposal.stage == FULL:
                evaluation = fit(architecture)
                score, metrics = evaluation.score, evaluation.metrics
                pictures = {name: one.restored for name, one in evaluation.restored.items()}
            else:
                if architecture.id not in scored:
                    scored[architecture.id] = dict(scorer.evaluate(proposal, problem, seed).metrics)
                metrics = scored[architecture.id]
                score = -metrics[proxy]
            number = len(trials)
            trials.append(
                Trial(number, proposal, seed, "complete", score, dict(metrics), pictures=pictures)
            )
            strategy.tell(trials[-1])
        if "random" not in psnr:  # the first drawn, which no proxy has chosen
            psnr["random"] = fit(trials[0].architecture).metrics["psnr"]
        psnr[f"isnas {proxy}"] = fit(strategy.recommend(trials).architecture).metrics["psnr"]
    degraded = fit(space.named("deep_image_prior")).metrics["degraded_psnr"]
    return {
        "dataset": dataset,
        "picture": picture,
        "seed": seed,
        "degraded": degraded,
        "psnr": psnr,
        "fits": len(fitted),
        "seconds": time.perf_counter() - started,
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    """Mean over pictures, then mean and standard deviation over seeds; differences to DIP."""
    print("| dataset | pictures | degraded |", " | ".join(METHODS), "|")
    print("|---" * (3 + len(METHODS)) + "|")
    for dataset in DATASETS:
        ours = [row for row in rows if row["dataset"] == dataset]
        if not ours:
            continue
        seeds = sorted({row["seed"] for row in ours})
        pictures = {row["picture"] for row in ours}
        cells = []
        for place, method in enumerate(METHODS):
            by_seed = [
                mean(row["psnr"][method] for row in ours if row["seed"] == seed) for seed in seeds
            ]
            base = mean(row["psnr"]["deep_image_prior"] for row in ours)
            spread = stdev(by_seed) if len(by_seed) > 1 else 0.0
            cell = f"{mean(by_seed):.2f} ± {spread:.2f}"
            if place:
                cell += f" ({mean(by_seed) - base:+.2f}"
                theirs = PAPER[dataset][place]
                cell += f"; paper {theirs - PAPER[dataset][0]:+.2f})" if theirs else ")"
            cells.append(cell)
        degraded = mean(row["degraded"] for row in ours)
        print(f"| {dataset} | {len(pictures)} | {degraded:.2f} |", " | ".join(cells), "|")
    print(f"\n{len(rows)} fits of a picture with a seed, {sum(r['seconds'] for r in rows):.0f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("results")
    parser.add_argument("--pictures", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--size", type=int, default=64, help="pixels a side; half more for x4")
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--pool", type=int, default=100)
    parser.add_argument("--keep", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", action="store_true", help="only print what is there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
