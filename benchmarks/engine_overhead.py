"""The engine's overhead per trial, beside Optuna's with SQLite storage.

    python benchmarks/engine_overhead.py [--trials 500] [--rounds 5] [--json PATH]

Both draw at random from the same six categorical decisions, evaluate nothing, and store every
trial in a SQLite file in a folder of the same disk; the two take turns in one process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import attrs
import optuna

import nasir
from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Evaluation, Evaluator
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.task import Sample, Task
from nasir.plugins import hookimpl
from nasir.plugins.manager import plugins

OPTIONS = ("a", "b", "c", "d")
DECISIONS = tuple(f"decision{i}" for i in range(6))


@attrs.define
class Nothing(SearchSpace):
    """Six decisions of four options."""

    @property
    def domain(self) -> Domain:
        return DOMAIN

    def build(self, architecture: Any, signature: Signature) -> Any:
        raise NotImplementedError("nothing is built here")


DOMAIN = Domain("nothing", [Decision(name, OPTIONS) for name in DECISIONS])


@attrs.define
class NoTask(Task):
    """No pictures."""

    signature = Signature(1, 1)

    def samples(self, split: str) -> list[Sample]:
        return []

    def loss(self, output: Any, sample: Sample) -> Any:
        return 0.0

    def metrics(self, restored: Any, sample: Sample) -> dict[str, float]:
        return {}


@attrs.define
class NoEvaluation(Evaluator):
    """Every architecture scores nought."""

    def evaluate(self, proposal: Any, problem: Any, seed: int) -> Evaluation:
        return Evaluation(0.0)


class Plugin:
    """The three above."""

    @hookimpl
    def register_search_spaces(self, register: Any) -> None:
        register("nothing", Nothing, "")

    @hookimpl
    def register_tasks(self, register: Any) -> None:
        register("nothing", NoTask, "")

    @hookimpl
    def register_evaluators(self, register: Any) -> None:
        register("nothing", NoEvaluation, "")


def search_with_nasir(folder: Path, trials: int) -> float:
    began = time.perf_counter()
    run = nasir.search(
        space="nothing",
        task="nothing",
        evaluator="nothing",
        strategy="random",
        trials=trials,
        folder=str(folder),
    )
    seconds = time.perf_counter() - began
    assert sum(trial.state == "complete" for trial in run.trials) == trials
    return seconds


def search_with_optuna(folder: Path, trials: int) -> float:
    def objective(trial: optuna.Trial) -> float:
        for name in DECISIONS:
            trial.suggest_categorical(name, OPTIONS)
        return 0.0

    began = time.perf_counter()
    study = optuna.create_study(
        storage=f"sqlite:///{folder}/optuna.sqlite", sampler=optuna.samplers.RandomSampler(seed=0)
    )
    study.optimize(objective, n_trials=trials)
    seconds = time.perf_counter() - began
    assert len(study.trials) == trials
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    list(registries["space"])
    plugins().add("benchmark", Plugin(), registries)
    milliseconds: dict[str, list[float]] = {"nasir": [], "optuna": []}
    for turn in range(arguments.rounds + 1):
        for name, search in (("nasir", search_with_nasir), ("optuna", search_with_optuna)):
            with tempfile.TemporaryDirectory() as folder:
                spent = search(Path(folder), arguments.trials)
            if turn:
                milliseconds[name].append(1000 * spent / arguments.trials)
    ratios = [a / b for a, b in zip(milliseconds["nasir"], milliseconds["optuna"], strict=True)]
    figures = {
        "trials": arguments.trials,
        "rounds": arguments.rounds,
        "nasir_ms_per_trial": statistics.median(milliseconds["nasir"]),
        "optuna_ms_per_trial": statistics.median(milliseconds["optuna"]),
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
    }
    print(json.dumps(figures, indent=2))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
