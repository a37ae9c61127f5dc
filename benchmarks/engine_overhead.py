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

import made_up
import optuna

import nasir


def search_with_nasir(folder: Path, trials: int) -> float:
    began = time.perf_counter()
    run = nasir.search(
        *made_up.WORDS,
        strategy="random",
        trials=trials,
        folder=str(folder),
    )
    seconds = time.perf_counter() - began
    assert sum(trial.state == "complete" for trial in run.trials) == trials
    return seconds


def search_with_optuna(folder: Path, trials: int) -> float:
    def objective(trial: optuna.Trial) -> float:
        for decision in made_up.DOMAIN.decisions:
            trial.suggest_categorical(decision.name, decision.options)
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
    made_up.known()
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
