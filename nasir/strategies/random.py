"""Random search."""

from __future__ import annotations

from typing import Any

import attrs

from nasir.core.domain import Domain
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial


@attrs.define
class RandomSearch(Strategy):
    """Draws architectures uniformly from all valid ones, with replacement.

    Each draw is independent of every result. An architecture may come again, with another seed;
    the proposals are the same for any number of workers.
    """

    _domain: Domain = attrs.field(init=False)
    # Any, because attrs resolves the types of fields and this one's module is numpy
    _rng: Any = attrs.field(init=False)

    def bind(self, problem: Problem) -> None:
        import numpy as np

        self._domain = problem.domain
        self._rng = np.random.default_rng(derived_seed(problem.seed, "random"))

    def ask(self) -> Proposal:
        return Proposal(self._domain.sample(self._rng))

    def tell(self, trial: Trial) -> None:
        """Learns nothing."""

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self._rng.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._rng.bit_generator.state = state["generator"]
