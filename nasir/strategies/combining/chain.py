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
from nasir.strategies.combining.parts import Combining, inward, learnable

OWN = -1
"""The owner of what the chain itself proposes."""


@attrs.define
class Chain(Combining):
    """Strategies that search one after another; each inherits all trials so far.

    A part is over when it proposes no more, or after its share of `trials`; the next begins when
    all of it is told. What a part recommends that has judged nothing at the full stage (a
    supernet's architecture, say) is judged so before the next begins.
    """

    parts: tuple[Strategy, ...] = setting(
        (),
        "strategies, in their order; strategy=a+b stands for strategy=chain strategy.parts=a,b",
        converter=tuple,
    )
    trials: tuple[int, ...] | None = setting(
        None,
        "trials of each part but the last, >= 1; none: as many as suit each",
        must.optional(must.deep_iterable(must.ge(1))),
    )
    _now: int = attrs.field(init=False, default=0)
    _begun: list[int] = attrs.field(init=False, factory=lambda: [0])
    _asked: int = attrs.field(init=False, default=0)
    _judged: list[int] = attrs.field(init=False, factory=list)
    _log: list[Trial] = attrs.field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        if self.trials is not None and self.parts and len(self.trials) != len(self.parts) - 1:
            raise SettingsError(
                f"strategy.trials={list(self.trials)} wants a number for each of the "
                f"{len(self.parts) - 1} parts before the last"
            )

    @property
    def held(self) -> tuple[Strategy, ...]:
        return self.parts

    @property
    def usual_trials(self) -> int:
        last = self.parts[-1].usual_trials
        return sum(self._share(place) + 1 for place in range(len(self.parts) - 1)) + last

    def bind(self, problem: Problem) -> None:
        Combining.bind(self, problem)
        self._now, self._begun, self._asked = 0, [0], 0
        self._owners, self._judged, self._log = [], [], []

    def ask(self) -> Proposal | None:
        while True:
            if self._asked < self._share(self._now):
                proposal = self._proposed(self._now)
                if proposal is not None:
                    self._asked += 1
                    return proposal
            if self._owners or self._now + 1 == len(self.parts):
                return None
            unjudged = self._unjudged()
            if unjudged is not None:
                self._judged.append(self._now)
                self._owners.append(OWN)
                return unjudged
            self._go_on()

    def tell(self, trial: Trial) -> None:
        self._log.append(trial)
        if self._owners[0] == OWN:
            self._owners.pop(0)
        else:
            self._tell_owner(trial)

    def inherit(self, trials: Sequence[Trial]) -> None:
        self._log += trials
        self._held[self._now].inherit(trials)

    def recommend(self, trials: Sequence[Trial]) -> Trial:
        """The best at the full stage of all parts; else what the present part recommends."""
        if learnable(trials):
            return best_of(trials)
        own = {t.number: inward(t, self._now) for t in trials}
        found = self._held[self._now].recommend(list(own.values()))
        return next(t for t in trials if t.number == found.number)

    def state_dict(self) -> dict[str, Any]:
        return {
            **Combining.state_dict(self),
            "now": self._now,
            "begun": list(self._begun),
            "asked": self._asked,
            "judged": list(self._judged),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        Combining.load_state_dict(self, state)
        self._now, self._asked = state["now"], state["asked"]
        self._begun, self._judged = list(state["begun"]), list(state["judged"])

    def remember(self, trials: Sequence[Trial]) -> None:
        self._log = list(trials)
        ends = [*self._begun[1:], len(self._log)]
        for place, (first, end) in enumerate(zip(self._begun, ends, strict=True)):
            if place in self._judged and not (place == self._now and OWN in self._owners):
                end -= 1  # the chain's own comes last
            own = [inward(t, place) for t in self._log[first:end]]
            self._held[place].remember([*learnable(self._log[:first]), *own])

    def _share(self, place: int) -> int:
        """How many trials a part has."""
        strategy = self.parts[place]
        if place + 1 == len(self.parts):
            return self._asked + 1
        return self.trials[place] if self.trials is not None else strategy.usual_trials

    def _unjudged(self) -> Proposal | None:
        """What the present part recommends, where it has judged nothing at the full stage."""
        own = [inward(t, self._now) for t in self._log[self._begun[self._now] :]]
        if self._now in self._judged or any(t.proposal.stage == FULL for t in own):
            return None
        try:
            return Proposal(self._held[self._now].recommend(own).architecture)
        except NasirError:
            return None

    def _go_on(self) -> None:
        self._now += 1
        self._asked = 0
        self._begun.append(len(self._log))
        self._held[self._now].inherit(learnable(self._log))
