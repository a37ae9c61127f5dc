"""The controller beside random search on two domains whose best architecture is known.

    python benchmarks/controller.py [--seeds 10] [--trials 2000] [--json PATH]

`plain` has eight decisions of four options; the reward is the share of right ones. `conditional`
has the same in two branches of which only one applies: the reward in the wrong one is half as
much. The best architecture has reward 1 in either. Both strategies are used in turn,
with their default settings; what is compared is the mean reward of the last 100 trials.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Trial
from nasir.strategies.random import RandomSearch
from nasir.strategies.rl.strategy import ReinforcementLearning

LAST = 100
DECISIONS, OPTIONS = 8, 4
STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "rl": ReinforcementLearning,
    "random": RandomSearch,
}


def plain() -> Domain:
    return Domain("plain", [Decision(f"d{i}", range(OPTIONS)) for i in range(DECISIONS)])


def conditional() -> Domain:
    branch = Decision("branch", ("left", "right"))
    left = [Decision(f"left{i}", range(OPTIONS), {"branch": ["left"]}) for i in range(DECISIONS)]
    right = [Decision(f"right{i}", range(OPTIONS), {"branch": ["right"]}) for i in range(DECISIONS)]
    return Domain("conditional", [branch, *left, *right])


def reward(architecture: Architecture) -> float:
    """The share of right options, halved in the left branch; 1 for the best."""
    choices = dict(architecture.choices)
    worth = 0.5 if choices.pop("branch", "right") == "left" else 1.0
    right = [value == derived_seed("right", name) % OPTIONS for name, value in choices.items()]
    return worth * sum(right) / len(right)


def rewards(strategy: Strategy, domain: Domain, seed: int, trials: int) -> list[float]:
    """What each trial of a search brings in, one trial in flight at a time."""
    problem: Any = SimpleNamespace(domain=domain, seed=seed)
    strategy.bind(problem)
    found = []
    for number in range(trials):
        proposal = strategy.ask()
        if proposal is None:
            raise RuntimeError("a strategy proposed nothing with no trial in flight")
        found.append(reward(proposal.architecture))
        trial = Trial(number, proposal, seed=0)
        strategy.tell(attrs.evolve(trial, state="complete", score=found[-1]))
    return found


def compare(domain: Domain, seeds: int, trials: int) -> dict[str, Any]:
    """Means over seeds of the last trials' mean reward, and how often rl is above random."""
    means: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    seconds = dict.fromkeys(STRATEGIES, 0.0)
    for seed in range(seeds):
        for name, strategy in STRATEGIES.items():
            began = time.perf_counter()
            found = rewards(strategy(), domain, seed, trials)
            seconds[name] += time.perf_counter() - began
            means[name].append(statistics.fmean(found[-LAST:]))
    pairs = list(zip(means["rl"], means["random"], strict=True))
    return {
        "domain": domain.space,
        "size": domain.size,
        "rl": statistics.fmean(means["rl"]),
        "random": statistics.fmean(means["random"]),
        "difference": statistics.fmean(a - b for a, b in pairs),
        "smallest_difference": min(a - b for a, b in pairs),
        "seeds_rl_above": sum(a > b for a, b in pairs),
        "each_rl": means["rl"],
        "each_random": means["random"],
        "ms_per_trial": {name: 1e3 * s / seeds / trials for name, s in seconds.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    print(f"mean reward of the last {LAST} of {arguments.trials} trials, {arguments.seeds} seeds")
    print(
        f"{'domain':<12} {'size':>8} {'rl':>7} {'random':>7} {'difference':>11} {'rl above in':>12}"
    )
    figures = []
    for domain in (plain(), conditional()):
        row = compare(domain, arguments.seeds, arguments.trials)
        above = f"{row['seeds_rl_above']} of {arguments.seeds}"
        print(
            f"{row['domain']:<12} {row['size']:>8} {row['rl']:>7.3f} {row['random']:>7.3f} "
            f"{row['difference']:>+11.3f} {above:>12}",
            flush=True,
        )
        figures.append(row)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(
                {"seeds": arguments.seeds, "trials": arguments.trials, "domains": figures},
                file,
                indent=2,
            )


if __name__ == "__main__":
    main()
