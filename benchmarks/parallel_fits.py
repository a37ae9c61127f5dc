"""Fits of several candidates: one after another with all cores each, or one core each at a time.

    python benchmarks/parallel_fits.py [--rounds 3] [--fits 6] [--iterations 60] [--size 64]

Both do the same fits, in turn; the processes are started before the clock is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from concurrent.futures import Executor

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from nasir.core.evaluator import Problem
from nasir.core.trial import Proposal, Trial
from nasir.engine.evaluation import evaluate_trial
from nasir.settings import building


def main() -> None:
    arguments = _arguments()
    space = building.make("space", "nasdip")
    task = building.make("task", {"name": "denoise", "size": arguments.size})
    evaluator = building.make("evaluator", {"name": "dip", "iterations": arguments.iterations})
    problem = Problem(space, task, {"full": evaluator})
    proposal = Proposal(space.named("nasdip_denoising"))
    trials = [Trial(number, proposal, number) for number in range(arguments.fits)]
    cores = len(os.sched_getaffinity(0))
    one = building.make("executor", "inline").start(1)
    several = building.make("executor", "process").start(cores)
    for executor in (one, several):  # starts the processes and imports torch in them
        _seconds(executor, trials[:cores], problem, 1)
    pairs = []
    for _ in range(arguments.rounds):
        in_turn = _seconds(one, trials, problem, cores)
        at_once = _seconds(several, trials, problem, 1)
        pairs.append((in_turn, at_once))
        print(f"in turn {in_turn:.1f} s, at once {at_once:.1f} s, ratio {in_turn / at_once:.2f}")
    ratios = [in_turn / at_once for in_turn, at_once in pairs]
    print(
        f"{cores} processes: {statistics.median(ratios):.2f} times as fast "
        f"[{min(ratios):.2f}, {max(ratios):.2f}]"
    )
    several.shutdown()


def _seconds(executor: Executor, trials: list[Trial], problem: Problem, threads: int) -> float:
    started = time.perf_counter()
    futures = [executor.submit(evaluate_trial, trial, problem, threads) for trial in trials]
    for future in futures:
        assert future.result().trial.state == "complete"
    return time.perf_counter() - started


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fits", type=int, default=6)
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--size", type=int, default=64)
    return parser.parse_args()


if __name__ == "__main__":
    main()
