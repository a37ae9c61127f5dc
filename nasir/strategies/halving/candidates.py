"""The source of new architectures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.domain import Domain
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.trial import Trial

TRIES = 100
"""Draws of known architectures after which a small domain is listed."""

SMALL = 10_000
"""The most architectures of a domain that is listed."""


@attrs.define(eq=False)
class Candidates:
    """New architectures: the best `inherited` of other strategies, then random ones.

    Random ones are uniform among the unknown. They may come again once all are known, or nearly
    all of a domain that is too large to be listed.
    """

    domain: Domain
    seed: int
    inherited: int
    _rng: Any = attrs.field(init=False)
    _taken: int = attrs.field(init=False, default=0)
    _listed: bool = attrs.field(init=False, default=False)
    _list: Iterator[Architecture] | None = attrs.field(init=False, default=None)
    _known: set[str] = attrs.field(init=False, factory=set)
    _foreign: dict[str, Trial] = attrs.field(init=False, factory=dict)

    @classmethod
    def of(cls, problem: Problem, inherited: int) -> Candidates:
        return cls(problem.domain, derived_seed(problem.seed, "halving"), inherited)

    def __attrs_post_init__(self) -> None:
        import numpy as np

        self._rng = np.random.default_rng(self.seed)

    def draw(self) -> Architecture:
        """The next architecture; it is known from now on."""
        architecture = self._inherited() or self._drawn()
        self.know(architecture)
        return architecture

    def know(self, architecture: Architecture) -> None:
        """Record that an architecture has been proposed."""
        self._known.add(architecture.id)

    def inherit(self, trial: Trial) -> None:
        """Learn a complete trial of another strategy; the best of an architecture counts."""
        before = self._foreign.get(trial.architecture.id)
        if before is None or _merit(trial) > _merit(before):
            self._foreign[trial.architecture.id] = trial

    def state_dict(self) -> dict[str, Any]:
        """The state without known and inherited architectures."""
        generator = self._rng.bit_generator.state
        return {"generator": generator, "taken": self._taken, "listed": self._listed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._rng.bit_generator.state = state["generator"]
        self._taken, self._listed = state["taken"], state["listed"]

    def _inherited(self) -> Architecture | None:
        if self._taken >= self.inherited:
            return None
        open_ones = [t for key, t in self._foreign.items() if key not in self._known]
        if not open_ones:
            return None
        self._taken += 1
        return max(open_ones, key=_merit).architecture

    def _drawn(self) -> Architecture:
        if not self._listed:
            for _ in range(TRIES):
                architecture = self.domain.sample(self._rng)
                if self._new(architecture):
                    return architecture
            if self.domain.size > SMALL:
                return architecture
            self._listed = True
        if self._list is None:
            self._list = self._shuffled()
        left = next(filter(self._new, self._list), None)
        return left or self.domain.sample(self._rng)

    def _new(self, architecture: Architecture) -> bool:
        key = architecture.id
        return key not in self._known and key not in self._foreign

    def _shuffled(self) -> Iterator[Architecture]:
        import numpy as np

        every = list(self.domain)
        order = np.random.default_rng(derived_seed(self.seed, "order")).permutation(len(every))
        return (every[place] for place in order)


def _merit(trial: Trial) -> tuple[float, float]:
    """Fidelity and score: scores of different fidelities cannot be compared."""
    assert trial.score is not None, "only complete trials are inherited"
    return trial.proposal.fidelity, trial.score
