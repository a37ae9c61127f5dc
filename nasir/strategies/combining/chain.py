"""One strategy after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import NasirError, SettingsError
from nasir.core.evaluator import Problem
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial, best_of
from nasir.strategies.combining.parts import Combining, inner_trial, learnable

OWN = -1
"""The owner of proposals of the chain itself."""


@attrs.define
class Chain(Combining):
    """Strategies that search one after another; each inherits all trials so far.

    A part is over when it proposes no more, or after its share of `trials`; the next begins when
    all its trials have ended. If a part has no trial of the full stage (that of a supernet, for
    example), its recommendation is evaluated at that stage before the next begins.
    """

    parts: tuple[Strategy, ...] = setting(
        (),
        "strategies, in their order; strategy=a+b is short for strategy=chain strategy.parts=a,b",
        converter=tuple,
    )
    trials: tuple[int, ...] | None = setting(
        None,
        "trials of each part but the last, >= 1; none: the usual number of each",
        must.optional(must.deep_iterable(must.ge(1))),
    )
    _now: int = attrs.field(init=False, default=0)
    _begun: list[int] = attrs.field(init=False, factory=lambda: [0])
    _asked: int = attrs.field(init=False, default=0)
    _confirmed: list[int] = attrs.field(init=False, factory=list)
    _log: list[Trial] = attrs.field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        if self.trials is not None and self.parts and len(self.trials) != len(self.parts) - 1:
            raise SettingsError(
                f"strategy.trials={list(self.trials)} needs a number for each of the "
                f"{len(self.parts) - 1} parts before the last"
            )

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        return self.parts

    @property
    def usual_trials(self) -> int:
        last = self.parts[-1].usual_trials
        return sum(self._share(place) + 1 for place in range(len(self.parts) - 1)) + last

    def fewest_trials(self, problem: Problem) -> int:
        """Those of the first part; or its share, after which its find is evaluated in full."""
        first = self.parts[0].fewest_trials(problem)
        return min(first, self._share(0) + 1) if len(self.parts) > 1 else first

    def bind(self, problem: Problem) -> None:
        Combining.bind(self, problem)
        self._now, self._begun, self._asked = 0, [0], 0
        self._owners, self._confirmed, self._log = [], [], []

    def ask(self) -> Proposal | None:
        while True:
            if self._asked < self._share(self._now):
                proposal = self._ask_part(self._now)
                if proposal is not None:
                    self._asked += 1
                    return proposal
            if self._owners or self._now + 1 == len(self.parts):
                return None
            unconfirmed = self._unconfirmed()
            if unconfirmed is not None:
                self._confirmed.append(self._now)
                self._owners.append(OWN)
                return unconfirmed
            self._begin_next()

    def tell(self, trial: Trial) -> None:
        self._log.append(trial)
        if self._owners[0] == OWN:
            self._owners.pop(0)
        else:
            self._tell_owner(trial)

    def inherit(self, trials: Sequence[Trial]) -> None:
        self._log += trials
        self._bound[self._now].inherit(trials)

    def recommend(self, trials: Sequence[Trial]) -> Trial:
        """The best of all parts at the full stage; else what the present part recommends."""
        if learnable(trials):
            return best_of(trials)
        own = {t.number: inner_trial(t, self._now) for t in trials}
        found = self._bound[self._now].recommend(list(own.values()))
        return next(t for t in trials if t.number == found.number)

    def state_dict(self) -> dict[str, Any]:
        return {
            **Combining.state_dict(self),
            "now": self._now,
            "begun": list(self._begun),
            "asked": self._asked,
            "confirmed": list(self._confirmed),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        Combining.load_state_dict(self, state)
        self._now, self._asked = state["now"], state["asked"]
        self._begun, self._confirmed = list(state["begun"]), list(state["confirmed"])

    def remember(self, trials: Sequence[Trial]) -> None:
        self._log = list(trials)
        ends = [*self._begun[1:], len(self._log)]
        for place, (first, end) in enumerate(zip(self._begun, ends, strict=True)):
            if place in self._confirmed and not (place == self._now and OWN in self._owners):
                end -= 1  # the chain's own trial comes last
            own = [inner_trial(t, place) for t in self._log[first:end]]
            self._bound[place].remember([*learnable(self._log[:first]), *own])

    def _share(self, place: int) -> int:
        """The number of trials of a part."""
        strategy = self.parts[place]
        if place + 1 == len(self.parts):
            return self._asked + 1
        return self.trials[place] if self.trials is not None else strategy.usual_trials

    def _unconfirmed(self) -> Proposal | None:
        """The recommendation of the present part, if none of its trials was of the full stage."""
        own = [inner_trial(t, self._now) for t in self._log[self._begun[self._now] :]]
        if self._now in self._confirmed or any(t.proposal.stage == FULL for t in own):
            return None
        try:
            return Proposal(self._bound[self._now].recommend(own).architecture)
        except NasirError:
            return None

    def _begin_next(self) -> None:
        self._now += 1
        self._asked = 0
        self._begun.append(len(self._log))
        self._bound[self._now].inherit(learnable(self._log))
