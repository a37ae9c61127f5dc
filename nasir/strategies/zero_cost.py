"""Many architectures ranked untrained, of which the best few are evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.domain import Domain
from nasir.core.evaluator import Evaluator, Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial
from nasir.strategies import ranking
from nasir.strategies.ranking import PROXY


@attrs.define
class ZeroCost(Strategy):
    """Draws `pool` architectures, ranks them by proxies, and evaluates the `keep` best.

    With several proxies the mean of their ranks counts (rank aggregation, Borda). No architecture
    is drawn twice if the space is large enough.
    """

    proxies: tuple[str, ...] = setting(
        ("psd_db_strip_mse",),
        "proxies to rank by (nasir list proxies); -NAME: less is better",
        ranking.registered,
    )
    pool: int = setting(200, "architectures drawn and ranked, >= 1", must.ge(1))
    keep: int = setting(
        20, "number of the best that are evaluated; 0: the best one, only in the end", must.ge(0)
    )
    initialisations: int = setting(1, "fresh networks scored an architecture, >= 1", must.ge(1))
    score_side: int = setting(
        0, "side of the pictures' middle that is scored, in pixels; 0: whole", must.ge(0)
    )
    _pool: list[Architecture] = attrs.field(init=False)
    _values: list[Mapping[str, float] | None] = attrs.field(init=False, factory=list)
    _asked: int = attrs.field(init=False, default=0)
    _finished: int = attrs.field(init=False, default=0)
    _best: list[int] = attrs.field(init=False, factory=list)

    @property
    def usual_trials(self) -> int:
        return self.pool + self.keep

    def fewest_trials(self, problem: Problem) -> int:
        """The pool, which is scored, and one more."""
        return min(self.pool, problem.domain.size) + 1

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        return {PROXY: ranking.scoring(full, self.proxies, self.initialisations, self.score_side)}

    def bind(self, problem: Problem) -> None:
        import numpy as np

        rng = np.random.default_rng(derived_seed(problem.seed, "zero_cost"))
        self._pool = distinct(problem.domain, self.pool, rng)

    def ask(self) -> Proposal | None:
        """The pool first; when all of it is ranked, the best."""
        place = self._asked - len(self._pool)
        if place < 0:
            proposal = Proposal(self._pool[self._asked], PROXY)
        elif place < min(self.keep, len(self._best)):
            proposal = Proposal(self._pool[self._best[place]])
        else:
            return None
        self._asked += 1
        return proposal

    def tell(self, trial: Trial) -> None:
        self._finished += 1
        if self._finished <= len(self._pool):
            self._score(trial)

    def recommend(self, trials: Sequence[Trial]) -> Trial:
        """The best trial; if none of the pool is evaluated, the one that ranks first."""
        if self.keep or not self._best:
            return Strategy.recommend(self, trials)
        first = self._pool[self._best[0]].id
        return next(trial for trial in trials if trial.architecture.id == first)

    def state_dict(self) -> dict[str, Any]:
        return {"asked": self._asked, "finished": self._finished}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._asked, self._finished = state["asked"], state["finished"]

    def remember(self, trials: Sequence[Trial]) -> None:
        self._values = []
        for trial in trials:
            if trial.proposal.stage == PROXY:
                self._score(trial)

    def _score(self, trial: Trial) -> None:
        self._values.append(trial.metrics if trial.state == "complete" else None)
        if len(self._values) == len(self._pool):
            ranks = ranking.mean_ranks(self._values, self.proxies)
            scored = [i for i, values in enumerate(self._values) if values is not None]
            self._best = sorted(scored, key=lambda i: (ranks[i], i))


def distinct(domain: Domain, wanted: int, rng: Any) -> list[Architecture]:
    """`wanted` different architectures, drawn uniformly; all if there are no more."""
    if domain.size <= wanted:
        return list(domain)
    pool: dict[str, Architecture] = {}
    fruitless = 0
    while len(pool) < wanted and fruitless < 100 * wanted:
        architecture = domain.sample(rng)
        fruitless += architecture.id in pool
        pool.setdefault(architecture.id, architecture)
    return list(pool.values())
