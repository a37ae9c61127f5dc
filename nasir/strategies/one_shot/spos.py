"""Single path one-shot: uniform paths, then evolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.domain import Domain
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.strategies.one_shot.strategy import OneShot
from nasir.strategies.unseen import unseen

if TYPE_CHECKING:
    import numpy as np

Paths = dict[str, Architecture]

TRIES = 10
"""Children drawn at most for each that is wanted, since some are known."""


@attrs.define(slots=False)
class SinglePathOneShot(OneShot):
    """Trains a supernet by uniform paths, and evolves architectures evaluated with its weights.

    Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling", ECCV
    2020: equation 7 with every choice uniform, then algorithm 1. No path is evaluated twice; if
    too few new children are found, random paths replace them.
    """

    population: int = setting(20, "paths of a generation (P), >= 1 (the paper: 50)", must.ge(1))
    generations: int = setting(5, "generations (T), the first one random, >= 1 (20)", must.ge(1))
    parents: int = setting(5, "best paths so far that have children (k), >= 1 (10)", must.ge(1))
    crossover: float = setting(
        0.5,
        "share of a generation that are children of two, others are mutants, in [0, 1]",
        [must.ge(0), must.le(1)],
    )
    mutation: float = setting(
        0.1,
        "chance of each decision to change in a mutant, one changes at least, in [0, 1]",
        [must.ge(0), must.le(1)],
    )
    _generation: int = attrs.field(init=False, default=0)
    _queue: list[Architecture] = attrs.field(init=False, factory=list)

    @property
    def max_paths(self) -> int:
        return self.population * self.generations

    @property
    def ranked(self) -> int:
        return max(self.final, self.parents)

    def paths(self, problem: Problem, epoch: int) -> Sequence[Architecture]:
        """The paths of the steps of epoch `epoch`, from 0; every choice uniform."""
        import numpy as np

        rng = np.random.default_rng(derived_seed(problem.seed, "paths", epoch))
        domain = problem.domain
        return [uniform_path(domain, rng) for _ in range(self.steps)]

    def state_dict(self) -> dict[str, Any]:
        queue = [list(self._domain.encode(architecture)) for architecture in self._queue]
        return {**super().state_dict(), "generation": self._generation, "queue": queue}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._generation = state["generation"]
        self._queue = [self._domain.decode(numbers) for numbers in state["queue"]]

    def _path(self) -> Architecture | None:
        if not self._queue and not self._in_flight and self._generation < self.generations:
            bred = self._bred()
            if bred:
                self._queue = bred
                self._inherited = self._inherited[self.population :]
                self._generation += 1
        return self._queue.pop(0) if self._queue else None

    def _bred(self) -> list[Architecture]:
        """The next generation: inherited paths, then children and mutants, then random ones."""
        import numpy as np

        rng = np.random.default_rng(derived_seed(self._seed, "spos", self._generation))
        made = {path.id: path for path, _ in self._inherited[: self.population]}
        parents = [path for path, _ in self._top[: self.parents]]
        if parents:
            room = self.population - len(made)
            children = len(made) + round(self.crossover * room)
            self._add(made, children, lambda: self._child(parents, rng))
            self._add(made, self.population, lambda: self._mutant(parents, rng))
        self._add(made, self.population, lambda: unseen(self._domain, {**self._seen, **made}, rng))
        return list(made.values())

    def _add(self, made: Paths, wanted: int, draw: Callable[[], Architecture | None]) -> None:
        """Fill `made` up to `wanted` paths with results of `draw` that were not evaluated yet."""
        for _ in range(TRIES * self.population):
            path = draw() if len(made) < wanted else None
            if path is None:
                return
            if path.id not in self._seen:
                made.setdefault(path.id, path)

    def _child(self, parents: Sequence[Architecture], rng: np.random.Generator) -> Architecture:
        first, second = (parents[int(rng.integers(len(parents)))] for _ in range(2))
        return self._domain.crossover(first, second, rng)

    def _mutant(self, parents: Sequence[Architecture], rng: np.random.Generator) -> Architecture:
        mutant = parents[int(rng.integers(len(parents)))]
        for _ in range(max(1, int(rng.binomial(len(mutant.choices), self.mutation)))):
            mutant = self._domain.mutate(mutant, rng)
        return mutant


def uniform_path(domain: Domain, rng: np.random.Generator) -> Architecture:
    """An architecture whose every decision is drawn uniformly from the options open to it."""
    return domain.walk(lambda _, options: options[int(rng.integers(len(options)))])
