"""Evolution: regularised for one objective, NSGA-II for several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.evaluator import Problem
from nasir.core.objectives import values_of
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial
from nasir.strategies.unseen import unseen

if TYPE_CHECKING:
    import numpy as np

TRIES = 20
"""Further mutations of a known child, after which any new one replaces it."""

_SHARE = [must.ge(0), must.le(1)]


@attrs.frozen
class Member:
    """An architecture of the population with its values by the objectives, more being better."""

    architecture: Architecture
    values: tuple[float, ...]
    id: str = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "id", self.architecture.id)


@attrs.define
class Evolution(Strategy):
    """Children of tournament winners replace the oldest or the worst member.

    With one objective this is regularised evolution (Real et al. 2019, algorithm 1): the winner
    of a random sample is mutated, and the oldest dies. With several it is NSGA-II (Deb et al.
    2002): parents win crowded tournaments, and of population and child the last by front and
    crowding dies. Both are in a steady state: a trial enters when it ends, so that workers never
    wait.

    The first `population` architectures are drawn uniformly, failed ones again. Inherited trials
    take free places first, then those of the worst. No architecture is proposed twice: a known
    child is mutated further, and the search ends when the space is used up.
    """

    population: int = setting(20, "members, >= 2 (Real et al. 2019: 100)", must.ge(2))
    tournament: int | None = setting(
        None,
        "members drawn, with replacement, of which the best is a parent, >= 1; none: 10 for one "
        "objective, 2 for several",
        must.optional(must.ge(1)),
    )
    crossover: float | None = setting(
        None,
        "probability that a child has two parents, in [0, 1]; none: 0 for one objective, 0.9 for "
        "several",
        must.optional(must.and_(*_SHARE)),
    )
    mutation: float = setting(1.0, "probability that a child is mutated, in [0, 1]", _SHARE)
    mutations: int = setting(1, "decisions that are changed one after another, >= 1", must.ge(1))
    survival: str | None = setting(
        None,
        "who dies: the oldest (ageing) or the worst (elitist); none: ageing for one objective, "
        "elitist for several",
        must.optional(must.in_(("ageing", "elitist"))),
    )
    _problem: Problem = attrs.field(init=False)
    _members: list[Member] = attrs.field(init=False, factory=list)
    _asked: int = attrs.field(init=False, default=0)
    _flying: list[str] = attrs.field(init=False, factory=list)
    _seen: set[str] = attrs.field(init=False, factory=set)

    @property
    def usual_trials(self) -> int:
        return 5 * self.population

    def bind(self, problem: Problem) -> None:
        self._problem = problem

    def ask(self) -> Proposal | None:
        import numpy as np

        seed = derived_seed(self._problem.seed, "evolution", self._asked)
        rng = np.random.default_rng(seed)
        growing = len(self._members) + len(self._flying) < self.population
        child = None if growing or not self._members else self._child(rng)
        found = child or unseen(self._problem.domain, self._seen, rng)
        if found is None:
            return None
        self._asked += 1
        self._flying.append(found.id)
        self._seen.add(found.id)
        return Proposal(found)

    def tell(self, trial: Trial) -> None:
        if trial.architecture.id in self._flying:
            self._flying.remove(trial.architecture.id)
        self._seen.add(trial.architecture.id)
        self._admit(trial, ageing=self._survival == "ageing")

    def inherit(self, trials: Sequence[Trial]) -> None:
        for trial in filter(_is_whole, trials):
            self._seen.add(trial.architecture.id)
            self._admit(trial, ageing=False)

    def state_dict(self) -> dict[str, Any]:
        return {
            "asked": self._asked,
            "members": [[m.architecture.json, list(m.values)] for m in self._members],
            "flying": list(self._flying),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._asked, self._flying = state["asked"], list(state["flying"])
        self._members = [
            Member(Architecture.from_json(text), tuple(values)) for text, values in state["members"]
        ]
        self._seen = {*self._flying, *(member.id for member in self._members)}

    def remember(self, trials: Sequence[Trial]) -> None:
        self._seen.update(trial.architecture.id for trial in trials if _is_whole(trial))

    @property
    def _survival(self) -> str:
        return self.survival or ("elitist" if self._several else "ageing")

    @property
    def _several(self) -> bool:
        return len(self._problem.objectives) > 1

    def _admit(self, trial: Trial, ageing: bool) -> None:
        """Make the architecture of a complete trial the youngest member; one too many dies."""
        from nasir.strategies.evolution.nondominated import crowded_order

        values = values_of(trial, self._problem.objectives)
        if values is None:
            return
        newest = Member(trial.architecture, values)
        others = [member for member in self._members if member.id != newest.id]
        self._members = [*others, newest]
        if len(self._members) > self.population:
            del self._members[0 if ageing else crowded_order(self._values)[-1]]

    @property
    def _values(self) -> list[tuple[float, ...]]:
        return [member.values for member in self._members]

    def _child(self, rng: np.random.Generator) -> Architecture | None:
        """A child that was never proposed; None if there is none after :data:`TRIES`."""
        from nasir.strategies.evolution.nondominated import crowded_order

        domain, order = self._problem.domain, crowded_order(self._values)
        child = self._winner(order, rng)
        if rng.random() < self._crossover:
            child = domain.crossover(child, self._winner(order, rng), rng)
        if rng.random() < self.mutation:
            for _ in range(self.mutations):
                child = domain.mutate(child, rng)
        for _ in range(TRIES):
            if child.id not in self._seen:
                return child
            child = domain.mutate(child, rng)
        return None

    @property
    def _crossover(self) -> float:
        if self.crossover is None:
            return 0.9 if self._several else 0.0
        return self.crossover

    def _winner(self, order: Sequence[int], rng: np.random.Generator) -> Architecture:
        """The best of members drawn at random; `order` holds their places, best first."""
        size = self.tournament or (2 if self._several else 10)
        best = int(rng.integers(len(order), size=size).min())
        return self._members[order[best]].architecture


def _is_whole(trial: Trial) -> bool:
    """Whether a trial had the full effort, so that its values can be compared."""
    return trial.proposal.fidelity == 1
