"""Local search: from neighbour to better neighbour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
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
from nasir.strategies.unseen import unseen

LARGEST = 1000
"""The most neighbours; a larger neighbourhood is replaced by this many random mutations."""


@attrs.define
class LocalSearch(Strategy):
    """Evaluates an architecture's neighbours in random order, moves to a better one, and repeats.

    White et al. 2021, algorithm 1. Neighbours differ in one decision. If none is better, the
    search starts again at an architecture that is drawn from those not evaluated yet; it ends
    if there is none. Nothing is evaluated twice: the known score of a neighbour counts at once.

    Several workers evaluate neighbours at the same time, also those of a start that is still
    being evaluated; they wait only for the last neighbours of an architecture. With
    ``move=first`` every result better than the present architecture's moves the search there.
    """

    move: str = setting(
        "first",
        "move to the first neighbour that is better (first: the paper's query until lower), or to "
        "the best when all are evaluated (best)",
        must.in_(("best", "first")),
    )
    restarts: int | None = setting(
        None, "starts after the first, >= 0; none: without end", must.optional(must.ge(0))
    )
    start: str = setting(
        "inherited",
        "where to begin: drawn (random), the space's references one after another and then drawn "
        "(reference), or drawn unless an inherited trial is better than all before (inherited)",
        must.in_(("random", "reference", "inherited")),
    )
    _problem: Problem = attrs.field(init=False)
    _here: Architecture | None = attrs.field(init=False, default=None)
    _starts: int = attrs.field(init=False, default=0)
    _flying: list[str] = attrs.field(init=False, factory=list)
    _scores: dict[str, float] = attrs.field(init=False, factory=dict)
    _references: list[Architecture] = attrs.field(init=False, factory=list)
    _around: dict[str, Architecture] = attrs.field(init=False, factory=dict)

    @property
    def usual_trials(self) -> int:
        return 100

    def bind(self, problem: Problem) -> None:
        self._problem = problem
        if self.start == "reference":
            references = problem.space.reference().values()
            self._references = [a for a in references if a in problem.domain]
            if not self._references:
                raise SettingsError(
                    "strategy.start=reference needs a reference architecture among those that are "
                    "searched, and there is none: take strategy.start=random"
                )
        self._start()

    def ask(self) -> Proposal | None:
        if self._here is None:
            return None
        for key, architecture in {self._here.id: self._here, **self._neighbours()}.items():
            if key not in self._scores and key not in self._flying:
                self._flying.append(key)
                return Proposal(architecture)
        return None

    def tell(self, trial: Trial) -> None:
        key = trial.architecture.id
        if key in self._flying:
            self._flying.remove(key)
        score = self._learn(trial)
        if (
            self.move == "first"
            and self._here
            and score > self._scores.get(self._here.id, math.inf)
        ):
            self._move_to(trial.architecture)
        self._advance()

    def inherit(self, trials: Sequence[Trial]) -> None:
        best = max(self._scores.values(), default=-math.inf)
        for trial in filter(_is_whole, trials):
            score = self._learn(trial)
            if self.start == "inherited" and score > best:
                best = score
                self._move_to(trial.architecture)
        self._advance()

    def state_dict(self) -> dict[str, Any]:
        return {
            "here": self._here and self._here.json,
            "starts": self._starts,
            "flying": list(self._flying),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._move_to(Architecture.from_json(state["here"]) if state["here"] else None)
        self._starts, self._flying = state["starts"], list(state["flying"])

    def remember(self, trials: Sequence[Trial]) -> None:
        for trial in filter(_is_whole, trials):
            self._learn(trial)

    def _learn(self, trial: Trial) -> float:
        """Keep the best score of an architecture; a failed one is worse than any."""
        key, score = trial.architecture.id, -math.inf if trial.score is None else trial.score
        self._scores[key] = max(score, self._scores.get(key, score))
        return score

    def _advance(self) -> None:
        """Move as far as known scores lead: to better neighbours, then to a new start."""
        while self._here is not None and self._here.id in self._scores:
            better = self._better()
            if better is not None:
                self._move_to(better)
            elif all(key in self._scores for key in self._neighbours()):
                self._start()
            else:
                return

    def _better(self) -> Architecture | None:
        """The neighbour to move to, None if there is none yet."""
        assert self._here is not None
        around, scores = self._neighbours(), self._scores
        if self.move == "best" and any(key not in scores for key in around):
            return None
        worst = scores[self._here.id]
        better = [key for key in around if scores.get(key, -math.inf) > worst]
        if not better:
            return None
        return around[better[0] if self.move == "first" else max(better, key=scores.__getitem__)]

    def _start(self) -> None:
        """Move to the next start; nowhere if there is none."""
        import numpy as np

        self._move_to(None)
        if self.restarts is not None and self._starts > self.restarts:
            return
        if self._starts < len(self._references):
            self._move_to(self._references[self._starts])
        else:
            seed = derived_seed(self._problem.seed, "local_search", "start", self._starts)
            seen = {*self._scores, *self._flying}
            self._move_to(unseen(self._problem.domain, seen, np.random.default_rng(seed)))
        self._starts += 1

    def _move_to(self, architecture: Architecture | None) -> None:
        self._here, self._around = architecture, {}

    def _neighbours(self) -> dict[str, Architecture]:
        """The neighbours of the present architecture by id, in random order."""
        import numpy as np

        if self._here is not None and not self._around:
            seed = derived_seed(self._problem.seed, "local_search", "order", self._here.id)
            rng, domain = np.random.default_rng(seed), self._problem.domain
            every = list(islice(domain.neighbours(self._here), LARGEST + 1))
            if len(every) > LARGEST:
                every = [domain.mutate(self._here, rng) for _ in range(LARGEST)]
            mixed = [every[place] for place in rng.permutation(len(every))]
            self._around = {neighbour.id: neighbour for neighbour in mixed}
        return self._around


def _is_whole(trial: Trial) -> bool:
    """Whether a trial had the full effort, so that its score can be compared."""
    return trial.proposal.fidelity == 1
