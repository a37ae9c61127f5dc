"""How fast untrained networks are scored, and how well scoring on less ranks as scoring on all.

    python benchmarks/scoring.py RESULTS.jsonl [--architectures 60 --workers 2 ...]

Random architectures of nasdip (depth 5, width 128, full connections) are scored on one noisy grey
picture: exactly, on its middle, and at lower widths with the same choices. Two plain rivals build
every module and go along each path step by step, sharing nothing: one along the chosen paths, one
along all of them, the others times zero. All are timed in turn, architecture by architecture, in
CPU seconds of one thread; the rivals have a process of their own. What is ranked in less time is
compared with the exact ranking by Kendall's tau, from the same seed and from another one. A run
that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

PROXIES = ("psd_db_strip_mse", "psd_db_mse", "psd_strip_hist_emd", "bandwidth_99")
DEPTH, WIDTH, SIZE = 5, 128, 256
RIVALS = {"plain, chosen paths": False, "plain, every path": True}
EXACT = "exact"
AGAIN = "exact, another seed"


def main() -> None:
    arguments = _arguments()
    results = Path(arguments.results)
    modes = {EXACT: _mode(), AGAIN: _mode(seed=1)}
    for side in arguments.sides:
        for width in arguments.widths:
            if (side, width) != (SIZE, WIDTH):
                modes[f"side {side}, width {width}"] = _mode(side, width)
    for side in arguments.several:
        modes[f"side {side}, {arguments.times} times"] = _mode(side, times=arguments.times)
    done = {row["architecture"] for row in _rows(results)}
    numbers = [number for number in range(arguments.architectures) if number not in done]
    with ThreadPoolExecutor(arguments.workers) as slots:
        shares = [numbers[slot :: arguments.workers] for slot in range(arguments.workers)]
        list(slots.map(lambda share: _measure(share, modes, results), shares))
    print_tables([r for r in _rows(results) if r["architecture"] < arguments.architectures])


def _mode(side: int = SIZE, width: int = WIDTH, seed: int = 0, times: int = 1) -> dict[str, int]:
    """How to score: on how much, with how many channels, from which seed, how many networks."""
    return {"side": side, "width": width, "seed": seed, "times": times}


def _rows(results: Path) -> list[dict[str, Any]]:
    lines = results.read_text().splitlines() if results.exists() else []
    return [json.loads(line) for line in lines]


def _measure(numbers: Sequence[int], modes: dict[str, dict[str, int]], results: Path) -> None:
    """Measure architectures one after another, in one process or the other at a time."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context) as rivals, ProcessPoolExecutor(1, context) as ours:
        rivals.submit(rival, 0, True).result()  # the first call of a process is slower
        ours.submit(score, 0, _mode()).result()
        for number in numbers:
            row: dict[str, Any] = {"architecture": number, "scores": {}}
            row["seconds"] = {
                name: rivals.submit(rival, number, every).result() for name, every in RIVALS.items()
            }
            for name, mode in modes.items():
                spent, row["scores"][name] = ours.submit(score, number, mode).result()
                row["seconds"][name] = spent
            with results.open("a") as file:
                file.write(json.dumps(row) + "\n")


def score(number: int, mode: dict[str, int]) -> tuple[float, dict[str, float]]:
    """CPU seconds and values of the evaluator `proxy` for one architecture."""
    from nasir.core.evaluator import Problem
    from nasir.core.seeds import derived_seed
    from nasir.core.trial import FULL, Proposal, Trial
    from nasir.engine.evaluation import evaluate_trial
    from nasir.settings import building

    how = {"proxies": list(PROXIES), "side": mode["side"], "initialisations": mode["times"]}
    evaluator = building.make("evaluator", {"name": "proxy", **how})
    proposal = Proposal(_architecture(number))
    problem = Problem(_space(mode["width"]), _task(), {FULL: evaluator})
    trial = Trial(number, proposal, derived_seed(mode["seed"], "trial", number))
    began = time.process_time()
    ended = evaluate_trial(trial, problem, threads=1).trial
    spent = time.process_time() - began
    if ended.score is None:
        raise RuntimeError(ended.error)
    return spent, dict(ended.metrics)


def rival(number: int, every: bool) -> float:
    """CPU seconds of building every module, a forward pass, and `psd_db_strip_mse` with numpy."""
    import numpy as np
    import torch
    from every_path import EveryPath

    from nasir.core.search_space import Signature
    from nasir.search_spaces.nasdip.connections import matrix
    from nasir.search_spaces.nasdip.network import NasDipNetwork

    torch.set_num_threads(1)
    choices = _architecture(number).choices
    cell = {name: value for name, value in choices.items() if not name.startswith("connection")}
    picture = _task().samples("search")[0].degraded[0].numpy()
    began = time.process_time()
    all_of_them = [[True] * DEPTH] * DEPTH
    network = NasDipNetwork(cell, all_of_them, WIDTH, Signature(1, 1))
    with torch.no_grad():
        paths = EveryPath(network, matrix(choices, DEPTH), every)
        output = paths(torch.rand(1, 1, SIZE, SIZE) * 0.1)[0].numpy()
    decibels = [
        10 * np.log10(np.fft.fftshift(np.abs(np.fft.fft2(x[0], norm="forward")) ** 2))
        for x in (output, picture)
    ]
    rows, columns = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    radius = np.hypot(rows, columns) / SIZE
    ring = (radius >= 0.05) & (radius < 0.1)
    value = np.mean((decibels[0][ring] - decibels[1][ring]) ** 2)
    spent = time.process_time() - began
    if not np.isfinite(value):
        raise RuntimeError(f"architecture {number} has no value")
    return spent


def _architecture(number: int) -> Any:
    """The same architecture for the same number, in every process."""
    import numpy as np

    from nasir.core.seeds import derived_seed

    return _space(WIDTH).domain.sample(np.random.default_rng(derived_seed("scoring", number)))


def _space(width: int) -> Any:
    from nasir.settings import building

    how = {"depth": DEPTH, "width": width, "connections": "full"}
    return building.make("space", {"name": "nasdip", **how})


_kept: list[Any] = []


def _task() -> Any:
    """One picture, read once in a process."""
    from nasir.settings import building

    if not _kept:
        how = {"size": SIZE, "color": "grey", "search": 1, "sigma": 25.0}
        _kept.append(building.make("task", {"name": "denoise", **how}))
    return _kept[0]


def print_tables(rows: list[dict[str, Any]]) -> None:
    for line in _tables(rows):
        print(line)


def _tables(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Speed beside the rivals, and tau to the exact ranking, of every way to score."""
    from scipy.stats import kendalltau

    seconds = {name: [row["seconds"][name] for row in rows] for name in rows[0]["seconds"]}
    yield f"{len(rows)} architectures\n"
    yield "| | models a second | " + " | ".join(f"times {name}" for name in RIVALS) + " |"
    yield "|---" * (2 + len(RIVALS)) + "|"
    for name, spent in seconds.items():
        ratios = [_ratio(seconds[r], spent) if name not in RIVALS else "" for r in RIVALS]
        yield f"| {name} | {1 / median(spent):.2f} | {' | '.join(ratios)} |"
    yield "\n| Kendall's tau to exact | " + " | ".join(PROXIES) + " |"
    yield "|---" * (1 + len(PROXIES)) + "|"
    for name in rows[0]["scores"]:
        values = [[[row["scores"][n][p] for row in rows] for n in (name, EXACT)] for p in PROXIES]
        taus = [f"{kendalltau(*pair).statistic:.2f}" for pair in values]
        yield f"| {name} | {' | '.join(taus)} |"


def _ratio(rival: Sequence[float], ours: Sequence[float]) -> str:
    ratios = [a / b for a, b in zip(rival, ours, strict=True)]
    return f"{median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", help="a file of JSON lines, written as it goes")
    parser.add_argument("--architectures", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 128, 96, 64])
    parser.add_argument("--widths", type=int, nargs="+", default=[128, 64, 32])
    parser.add_argument("--several", type=int, nargs="*", default=[64])
    parser.add_argument("--times", type=int, default=4, help="initialisations of `several`")
    return parser.parse_args()


if __name__ == "__main__":
    main()
