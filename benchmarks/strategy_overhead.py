"""What strategies cost themselves: milliseconds to ask and to tell, memory, and state.

    python benchmarks/strategy_overhead.py [STRATEGY ...] [--trials 10000] [--json PATH]

Each strategy, by its name (also ``a+b``) or as ``module:Class``, searches twenty decisions of
four options with its default settings, one trial in flight. Scores are made from architectures
and nothing is evaluated. `ask` and `tell` are means of CPU time over the first and the last
thousand trials. After them, `memory` is the most that the process had so far (each strategy has
one of its own, which keeps no trials), and `state` what is stored after every trial.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from importlib import import_module
from multiprocessing import get_context
from typing import Any

import attrs

import nasir  # noqa: F401 (makes the strategies known by name)
from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Problem
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Trial
from nasir.runs import state_coding
from nasir.settings import building
from nasir.testing.strategies import DomainAlone, NeverAsked, score_of

DOMAIN = Domain("overhead", [Decision(f"d{i}", range(4)) for i in range(20)])
WINDOW = 1000


def bound(name: str) -> Strategy:
    """The strategy called by name, ready to search."""
    module, colon, cls = name.partition(":")
    strategy: Strategy = (
        getattr(import_module(module), cls)() if colon else building.make("strategy", name)
    )
    full = NeverAsked()
    stages = {FULL: full, **strategy.stages(full)}
    strategy.bind(Problem(DomainAlone(DOMAIN), None, stages))  # type: ignore[arg-type]
    return strategy


def play(strategy: Strategy, first: int, last: int) -> tuple[float, float]:
    """Ask for and tell trials `first` to before `last`; mean CPU seconds of each."""
    asking = telling = 0.0
    for number in range(first, last):
        began = time.process_time()
        proposal = strategy.ask()
        asking += time.process_time() - began
        if proposal is None:
            raise RuntimeError(f"nothing was proposed after {number} trials")
        trial = Trial(number, proposal, number, "complete", score_of(proposal))
        trial = attrs.evolve(trial, metrics={"score": trial.score})
        began = time.process_time()
        strategy.tell(trial)
        telling += time.process_time() - began
    return asking / (last - first), telling / (last - first)


def memory() -> float:
    """The most memory that this process had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def stored(strategy: Strategy) -> int:
    """The bytes of the state."""
    plain, arrays = state_coding.encode(strategy.state_dict())
    return len(plain) + sum(map(len, arrays.values()))


def measure(name: str, trials: int) -> dict[str, Any]:
    """The row of a strategy."""
    figures: dict[str, Any] = {"strategy": name}
    strategy = bound(name)
    for which, first, last in (
        ("first", 0, WINDOW),
        ("between", WINDOW, trials - WINDOW),
        ("last", trials - WINDOW, trials),
    ):
        ask, tell = play(strategy, first, last) if last > first else (0.0, 0.0)
        if which != "between":
            figures |= {f"ask_ms_{which}": 1e3 * ask, f"tell_ms_{which}": 1e3 * tell}
            figures |= {f"memory_{which}": memory(), f"state_{which}": stored(strategy)}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strategies", nargs="*", default=["random", "evolution", "local_search"])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    if arguments.trials < 2 * WINDOW:
        parser.error(f"--trials {arguments.trials}: give at least {2 * WINDOW}")
    print(f"after {WINDOW} and {arguments.trials} trials")
    print(f"{'strategy':<24} {'ask, ms':>15} {'tell, ms':>15} {'memory, MB':>15} {'state, B':>15}")
    rows = []
    for name in arguments.strategies:
        with get_context("spawn").Pool(1) as process:
            row = process.apply(measure, (name, arguments.trials))
        ask, tell = ([row[f"{what}_ms_{w}"] for w in ("first", "last")] for what in ("ask", "tell"))
        memory, state = ([row[f"{k}_{w}"] for w in ("first", "last")] for k in ("memory", "state"))
        print(
            f"{name.rpartition(':')[2]:<24} {ask[0]:>7.3f} {ask[1]:>7.3f} "
            f"{tell[0]:>7.3f} {tell[1]:>7.3f} {memory[0]:>7.1f} {memory[1]:>7.1f} "
            f"{state[0]:>7} {state[1]:>7}",
            flush=True,
        )
        rows.append(row)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"trials": arguments.trials, "strategies": rows}, file, indent=2)


if __name__ == "__main__":
    main()
