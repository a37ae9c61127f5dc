"""``nasir bench`` with one more strategy, ``optuna``: Optuna's TPE beside nasir's own.

    pip install optuna
    python benchmarks/optuna_rival.py strategy=random,evolution,optuna -o compared

The words are those of ``nasir bench``; searches run one after another in this process. As Optuna
asks for architectures that it asked for before, those are answered from memory and cost nothing.
"""

from __future__ import annotations

import sys
from typing import Any

import attrs
import optuna

import nasir  # noqa: F401 (makes the strategies known by name)
from nasir.cli.main import main
from nasir.core.architecture import Architecture, Value
from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Problem
from nasir.core.registry import Entry, registries
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial

REPEATS = 2000
"""Repeated proposals in a row after which there is nothing more to find."""


@attrs.define
class OptunaSearch(Strategy):
    """Tree-structured Parzen estimators (Bergstra et al. 2011) with Optuna's defaults."""

    _domain: Domain = attrs.field(init=False)
    _study: optuna.Study = attrs.field(init=False)
    _waiting: dict[str, Any] = attrs.field(init=False, factory=dict)
    _known: dict[str, float] = attrs.field(init=False, factory=dict)

    def bind(self, problem: Problem) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=derived_seed(problem.seed, "optuna") % 2**32)
        self._domain = problem.domain
        self._study = optuna.create_study(direction="maximize", sampler=sampler)

    def ask(self) -> Proposal | None:
        for _ in range(REPEATS):
            asked = self._study.ask()
            architecture = self._walk(asked)
            if architecture.id not in self._known:
                self._waiting[architecture.id] = asked
                return Proposal(architecture)
            self._study.tell(asked, self._known[architecture.id])
        return None

    def tell(self, trial: Trial) -> None:
        asked = self._waiting.pop(trial.architecture.id)
        if trial.score is None:
            self._study.tell(asked, state=optuna.trial.TrialState.FAIL)
        else:
            self._known[trial.architecture.id] = trial.score
            self._study.tell(asked, trial.score)

    def state_dict(self) -> dict[str, Any]:
        raise NotImplementedError("this rival is not stored: it searches in memory alone")

    def load_state_dict(self, state: dict[str, Any]) -> None:
        raise NotImplementedError("this rival is not stored: it searches in memory alone")

    def _walk(self, asked: optuna.Trial) -> Architecture:
        """An architecture from Optuna's categories, one for each decision as it is open then."""

        def choose(decision: Decision, options: tuple[Value, ...]) -> Value:
            name = f"{decision.name} of {options}"
            return options[asked.suggest_categorical(name, range(len(options)))]

        return self._domain.walk(choose)


if __name__ == "__main__":
    registries["strategy"].register(Entry("optuna", OptunaSearch, "Optuna's TPE", "optuna_rival"))
    sys.exit(main(["bench", *sys.argv[1:], "workers=1"]))
