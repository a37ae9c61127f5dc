"""Every architecture of a small space."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial

LARGEST = 10**6
"""The largest space that is enumerated."""


@attrs.define
class Exhaustive(Strategy):
    """Every architecture once, in an order that is drawn from `order` alone.

    The order is the same for every seed of the run: a second run with another seed and fewer
    trials evaluates the first architectures of the first run again. The evaluated part of the
    space is a uniform sample of it at any time.
    """

    order: int = setting(0, "seed of the order, >= 0", must.ge(0))
    _pool: list[Architecture] = attrs.field(init=False)
    _asked: int = attrs.field(init=False, default=0)

    @property
    def usual_trials(self) -> int:
        return LARGEST

    def bind(self, problem: Problem) -> None:
        import numpy as np

        size = problem.domain.size
        if size > LARGEST:
            raise SettingsError(
                f"strategy=exhaustive is for spaces of at most {LARGEST} architectures, and this "
                f"one has {size:.3g}: take fewer options, or strategy=random"
            )
        rng = np.random.default_rng(derived_seed(self.order, "exhaustive"))
        every = list(problem.domain)
        self._pool = [every[place] for place in rng.permutation(len(every))]

    def ask(self) -> Proposal | None:
        if self._asked == len(self._pool):
            return None
        self._asked += 1
        return Proposal(self._pool[self._asked - 1])

    def tell(self, trial: Trial) -> None:
        """Learns nothing."""

    def state_dict(self) -> dict[str, Any]:
        return {"asked": self._asked}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._asked = state["asked"]
