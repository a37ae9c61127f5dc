"""A strategy whose candidates are screened before they are evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.evaluator import Evaluator, Problem
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.runs.trial_coding import decode_trial, encode_trial
from nasir.strategies import ranking
from nasir.strategies.combining.parts import Combining, inner_trial, outer_stage
from nasir.strategies.random import RandomSearch

SCREEN = "screen"
"""The stage at which candidates are scored."""

DEFAULT_INNER = RandomSearch()
"""The strategy that is screened if none is set."""


@attrs.define
class _Batch:
    """Proposals of the inner strategy, of which the `chosen` one is evaluated.

    `values` are the proxy values of the first ones. A proposal for a stage of the inner strategy
    is a batch by itself.
    """

    proposals: list[Proposal]
    values: list[Mapping[str, float] | None] = attrs.field(factory=list)
    closed: bool = False
    chosen: int | None = None
    trial: Trial | None = None

    @property
    def scored(self) -> bool:
        return len(self.values) == len(self.proposals)

    def trials(self) -> Iterator[Trial]:
        """The trials of the batch for the inner strategy."""
        assert self.trial is not None
        for place, proposal in enumerate(self.proposals):
            trial = attrs.evolve(self.trial, proposal=proposal)
            yield trial if place == self.chosen else _screened_out(trial)


@attrs.define
class Screen(Combining):
    """Scores `candidates` proposals of `inner` by proxies, and evaluates the best alone.

    For `inner` the others have failed. Its proposals for stages of its own are not screened. With
    several proxies the mean of their ranks counts.
    """

    inner: Strategy = setting(DEFAULT_INNER, "the strategy that is screened")
    proxies: tuple[str, ...] = setting(
        ("psd_db_strip_mse",),
        "proxies to screen by (nasir list proxies); -NAME: less is better",
        ranking.registered,
    )
    candidates: int = setting(8, "candidates for one evaluation, >= 1", must.ge(1))
    initialisations: int = setting(1, "fresh networks scored an architecture, >= 1", must.ge(1))
    score_side: int = setting(
        0, "side of the pictures' middle that is scored, in pixels; 0: whole", must.ge(0)
    )
    _batches: list[_Batch] = attrs.field(init=False, factory=list)
    _done: int = attrs.field(init=False, default=0)

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        return (self.inner,)

    @property
    def usual_trials(self) -> int:
        return self.inner.usual_trials * (self.candidates + 1)

    def fewest_trials(self, problem: Problem) -> int:
        """A batch of candidates, which are scored, before the first is evaluated."""
        return self.inner.fewest_trials(problem) + min(self.candidates, problem.domain.size)

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        scoring = ranking.scoring(full, self.proxies, self.initialisations, self.score_side)
        return {SCREEN: scoring, **Combining.stages(self, full)}

    def bind(self, problem: Problem) -> None:
        Combining.bind(self, problem)
        self._owners, self._batches, self._done = [], [], 0

    def ask(self) -> Proposal | None:
        """The best of a scored batch; else another candidate."""
        for place, batch in enumerate(self._batches):
            whole = batch.closed or len(batch.proposals) == self.candidates
            if batch.chosen is None and whole and batch.scored:
                return self._best_of(place)
        proposal = self._bound[0].ask()
        if proposal is None:
            # it waits for trials in flight: before these end, no other candidate will come
            scored = [p for p, b in enumerate(self._batches) if b.chosen is None and b.scored]
            return self._best_of(scored[0]) if scored else None
        if proposal.stage != FULL:
            return self._pass_through(proposal)
        return self._candidate(proposal)

    def tell(self, trial: Trial) -> None:
        batch = self._batches[self._owners.pop(0) - self._done]
        if batch.chosen is None:
            batch.values.append(dict(trial.metrics) if trial.state == "complete" else None)
            return
        batch.trial = trial
        while self._batches and self._batches[0].trial is not None:
            for ended in self._batches.pop(0).trials():
                self._bound[0].tell(ended)
            self._done += 1

    def inherit(self, trials: Sequence[Trial]) -> None:
        self._bound[0].inherit(trials)

    def state_dict(self) -> dict[str, Any]:
        return {
            **Combining.state_dict(self),
            "batches": [_plain(batch) for batch in self._batches],
            "done": self._done,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        Combining.load_state_dict(self, state)
        self._batches = [_batch(plain) for plain in state["batches"]]
        self._done = state["done"]

    def remember(self, trials: Sequence[Trial]) -> None:
        evaluated = {t.architecture.id for t in trials if t.proposal.stage == FULL}
        screened = [t for t in trials if t.proposal.stage == SCREEN]
        pending = sum(len(b.values) for b in self._batches if b.chosen is None or not b.trial)
        over = {t.number for t in screened[: len(screened) - pending]}
        self._bound[0].remember(list(_as_inner(trials, evaluated, over)))

    def _candidate(self, proposal: Proposal) -> Proposal:
        """Score another candidate of the open batch."""
        last = self._batches[-1] if self._batches else None
        if last is None or last.closed or len(last.proposals) == self.candidates:
            last = _Batch([])
            self._batches.append(last)
        last.proposals.append(proposal)
        self._owners.append(self._done + len(self._batches) - 1)
        return Proposal(proposal.architecture, SCREEN)

    def _pass_through(self, proposal: Proposal) -> Proposal:
        """Evaluate a proposal for a stage of the inner strategy."""
        if self._batches:
            self._batches[-1].closed = True
        self._batches.append(_Batch([proposal], closed=True, chosen=0))
        self._owners.append(self._done + len(self._batches) - 1)
        return attrs.evolve(proposal, stage=outer_stage(proposal.stage, 0))

    def _best_of(self, place: int) -> Proposal:
        """Evaluate the candidate of a batch that has the best rank, the first of equals."""
        batch = self._batches[place]
        ranks = ranking.mean_ranks(batch.values, self.proxies)
        batch.closed, batch.chosen = True, ranks.index(min(ranks))
        self._owners.append(self._done + place)
        return batch.proposals[batch.chosen]


def _as_inner(trials: Sequence[Trial], evaluated: set[str], over: set[int]) -> Iterator[Trial]:
    """The trials that the inner strategy has had, from those of its candidates."""
    for trial in trials:
        if trial.proposal.stage != SCREEN:
            yield inner_trial(trial, 0)
        elif trial.number in over and trial.architecture.id not in evaluated:
            yield _screened_out(attrs.evolve(trial, proposal=Proposal(trial.architecture)))


def _screened_out(trial: Trial) -> Trial:
    return attrs.evolve(
        trial, state="failed", score=None, metrics={}, error="screened out", pictures={}
    )


def _plain(batch: _Batch) -> dict[str, Any]:
    proposals = [[p.architecture.mapping, p.stage, p.fidelity, p.seed] for p in batch.proposals]
    trial = batch.trial and encode_trial(batch.trial)
    fields = {"values": batch.values, "closed": batch.closed, "chosen": batch.chosen}
    return {"proposals": proposals, "trial": trial, **fields}


def _batch(plain: dict[str, Any]) -> _Batch:
    proposals = [
        Proposal(Architecture.from_mapping(mapping), *rest) for mapping, *rest in plain["proposals"]
    ]
    trial = plain["trial"] and decode_trial(dict(plain["trial"]))
    return _Batch(proposals, list(plain["values"]), plain["closed"], plain["chosen"], trial)
