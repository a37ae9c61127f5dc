"""What automatic stops cost against the best possible stop, without and with ground truth.

    python benchmarks/early_stopping.py DATA RESULTS.jsonl [--pictures 8 --iterations 600 ...]

Each picture of DATA/Set12 with each noise level is fitted once with the published denoising
architecture, or another one; the PSNR of every step is written down, and each rule's stopping point
with it. The held-out rule needs a fit of its own, on fewer pixels. A run that was stopped goes on
where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

RULES = ("wmv", "emv", "heldout")


def main() -> None:
    arguments = _arguments()
    results = Path(arguments.results)
    done = set()
    if results.exists():
        rows = (json.loads(line) for line in results.read_text().splitlines())
        done = {(row["picture"], row["sigma"]) for row in rows}
    units = [(p, s) for p in range(arguments.pictures) for s in arguments.sigma]
    with ProcessPoolExecutor(arguments.workers, get_context("spawn")) as pool:
        open_units = [unit for unit in units if unit not in done]
        futures = [pool.submit(measure, vars(arguments), *unit) for unit in open_units]
        for future in as_completed(futures):
            with results.open("a") as file:
                file.write(json.dumps(future.result()) + "\n")
    print_table([json.loads(line) for line in results.read_text().splitlines()])


def measure(how: dict[str, Any], picture: int, sigma: float) -> dict[str, Any]:
    """The best possible PSNR of a fit, the last one, and each rule's stop."""
    import torch

    from nasir.core.evaluator import Problem
    from nasir.core.metrics import psnr
    from nasir.fitting.dip import DeepImagePrior
    from nasir.fitting.stopping import StoppingRule
    from nasir.settings import building

    class All(StoppingRule):
        """Lets the rules watch one fit to its end, and notes the PSNR of every step."""

        def __init__(self, rules: dict[str, StoppingRule]) -> None:
            super().__init__(how["iterations"] + 1)
            self.rules = rules
            self.psnr: list[float] = []
            self.stopped: dict[str, int] = {}

        def measure(self, output: torch.Tensor, average: torch.Tensor) -> float:
            self.psnr.append(psnr(average.clamp(0, 1), sample.clean))
            for name, rule in self.rules.items():
                if name not in self.stopped and rule.watch(len(self.psnr), output, average):
                    self.stopped[name] = len(self.psnr)
            return 0.0

    torch.set_num_threads(1)
    started = time.perf_counter()
    space = building.make("space", {"name": "nasdip", "depth": how["depth"], "width": how["width"]})
    images = [str(Path(how["data"]) / "Set12")]
    task = building.make(
        "task",
        {"name": "denoise", "images": images, "picture": picture, "size": how["size"]}
        | {"sigma": float(sigma)},
    )
    (sample,) = task.samples("test")
    row: dict[str, Any] = {"picture": picture, "sigma": sigma, "name": sample.name}
    asked = [
        tuple(name for name in names if name in how["rules"]) for names in (RULES[:2], RULES[2:])
    ]
    for names in filter(None, asked):
        methods = [DeepImagePrior(iterations=how["iterations"], stop=name) for name in names]
        watching: list[All] = []

        class Watched(DeepImagePrior):
            """Fits as the first method does, while all rules watch."""

            def stopping_rule(
                self,
                task: Any,
                unseen: Any = None,
                seen: Any = None,
                truth: Any = None,
                methods: Any = methods,
                to: Any = watching,
            ) -> All:
                to.append(All({m.stop: m.stopping_rule(task, unseen, seen) for m in methods}))
                return to[0]

        # "heldout" holds pixels out; the rule of the variances does not
        first = Watched(iterations=how["iterations"], stop=names[-1])
        problem = Problem(space, task, {"full": first}, split="test")
        first.fit_picture(space.named(how["architecture"]), problem, sample, how["seed"])
        (watched,) = watching
        if "best" not in row:
            best = max(watched.psnr)
            row |= {"best": best, "best_step": watched.psnr.index(best) + 1}
            row |= {"last": watched.psnr[-1], "iterations": how["iterations"]}
        for name, rule in watched.rules.items():
            row[name] = {
                "psnr": watched.psnr[rule.step - 1],
                "step": rule.step,
                "ran": watched.stopped.get(name, how["iterations"]),
            }
    return row | {"seconds": time.perf_counter() - started}


def print_table(rows: list[dict[str, Any]]) -> None:
    rules = [name for name in RULES if name in rows[0]]
    print(
        "| sigma | pictures | best | last step |", " | ".join(f"{r}: gap, ran" for r in rules), "|"
    )
    print("|---" * (4 + len(rules)) + "|")
    for sigma in [*sorted({row["sigma"] for row in rows}), None]:
        ours = [row for row in rows if sigma in (row["sigma"], None)]
        best = median(row["best"] for row in ours)
        cells = []
        for rule in rules:
            gaps = sorted(row["best"] - row[rule]["psnr"] for row in ours)
            ran = median(row[rule]["ran"] for row in ours)
            cells.append(f"{median(gaps):.2f} (to {gaps[-1]:.2f}), {ran:.0f}")
        last = median(row["best"] - row["last"] for row in ours)
        label = "both" if sigma is None else f"{sigma:.0f}"
        print(f"| {label} | {len(ours)} | {best:.2f} | {last:.2f} |", " | ".join(cells), "|")
    seconds = sum(row["seconds"] for row in rows)
    print(f"\ngaps in dB, medians; {rows[0]['iterations']} iterations at most; {seconds:.0f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("results")
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--sigma", type=float, nargs="+", default=[25.0, 50.0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--iterations", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--architecture", default="nasdip_denoising")
    parser.add_argument("--rules", nargs="+", choices=RULES, default=RULES)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
