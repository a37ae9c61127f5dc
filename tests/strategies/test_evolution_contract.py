from __future__ import annotations

import attrs

from nasir.core.domain import Domain
from nasir.core.evaluator import Problem
from nasir.core.objectives import Objective
from nasir.core.trial import Trial
from nasir.strategies.evolution.strategy import Evolution
from nasir.testing import StrategyContract


class TestEvolutionContract(StrategyContract):
    """A population that is full long before the trials of a case are over."""

    def make(self) -> Evolution:
        return Evolution(population=6, tournament=2, crossover=0.5)


class TestElitistEvolutionContract(StrategyContract):
    def make(self) -> Evolution:
        return Evolution(population=6, survival="elitist", mutation=0.5, mutations=2)


class ToldTwoObjectives(Evolution):
    """Adds the second metric to trials that are played without an evaluator."""

    def tell(self, trial: Trial) -> None:
        size = len(str(trial.architecture))
        super().tell(attrs.evolve(trial, metrics={"psnr": trial.score or 0.0, "size": size}))


class TestNsga2Contract(StrategyContract):
    def make(self) -> Evolution:
        return ToldTwoObjectives(population=6)

    def problem(self, domain: Domain, seed: int) -> Problem:
        objectives = (Objective("psnr"), Objective("size", -1))
        return attrs.evolve(super().problem(domain, seed), objectives=objectives)
