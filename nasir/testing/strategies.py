"""The contract of a strategy."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import cache
from typing import Any

import attrs
import numpy as np
import pytest

from nasir.core.architecture import Architecture
from nasir.core.cost import COST
from nasir.core.domain import Decision, Domain
from nasir.core.errors import ArchitectureError, EvaluationError, NasirError
from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.runs import state_coding
from nasir.testing.components import ComponentContract, untouched_generators

DOMAINS = (
    Domain(
        "flat", [Decision("a", range(6)), Decision("b", ("x", "y", "z")), Decision("c", (1, 2))]
    ),
    Domain(
        "conditional",
        [
            Decision("operation", ("conv", "pool", "none")),
            Decision("kernel", (1, 3, 5), active_if={"operation": ("conv", "pool")}),
            Decision("dilation", (1, 2), active_if={"kernel": (3, 5)}),
            Decision("skip", (False, True)),
        ],
        forbidden=[{"operation": ("none",), "skip": (False,)}],
    ),
    Domain("single", [Decision("only", ("one",))]),
)
"""Domains that every strategy must be able to search."""


@attrs.frozen
class DomainAlone(SearchSpace):
    """A space whose architectures are never built."""

    domain: Domain = attrs.field()

    def build(self, architecture: Architecture, signature: Signature) -> None:  # type: ignore[override]
        raise ArchitectureError("this space has nothing to build")


@attrs.frozen
class NeverAsked(Evaluator):
    """The evaluator of searches that are played without any."""

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        raise EvaluationError("this evaluator has nothing to say")


@attrs.define
class Play:
    """A search without evaluations: `workers` proposals in flight, finished in their order."""

    strategy: Strategy
    workers: int = 1
    fail_every: int = 0
    flying: deque[Trial] = attrs.field(factory=deque)
    finished: list[Trial] = attrs.field(factory=list)

    def go_on(self, trials: int) -> list[Trial]:
        """Go on until `tell` has had so many trials or the strategy ends the search."""
        self._fill()
        while self.flying and len(self.finished) < trials:
            self.finished.append(self._ended(self.flying.popleft()))
            self.strategy.tell(self.finished[-1])
            self._fill()
        return self.finished

    def _fill(self) -> None:
        while len(self.flying) < self.workers:
            proposal = self.strategy.ask()
            if proposal is None:
                return
            number = len(self.finished) + len(self.flying)
            seed = derived_seed("play", number) if proposal.seed is None else proposal.seed
            self.flying.append(Trial(number, proposal, seed))

    def _ended(self, trial: Trial) -> Trial:
        if self.fail_every and trial.number % self.fail_every == 0:
            return attrs.evolve(trial, state="failed", error="made to fail")
        looked_at = trial.proposal.stage in self.strategy.looks_at
        pictures = pictures_of(trial.proposal) if looked_at else {}
        score, metrics = score_of(trial.proposal), metrics_of(trial.proposal)
        return attrs.evolve(
            trial, state="complete", score=score, metrics=metrics, pictures=pictures
        )


def score_of(proposal: Proposal) -> float:
    """A fixed score in [0, 1), different for every architecture."""
    return derived_seed("score", proposal.architecture.id) / 2**48


def metrics_of(proposal: Proposal) -> dict[str, float]:
    """Fixed metrics in [0, 1): ``psnr``, which is the score, the cost, and every proxy's value."""
    drawn = _drawn(proposal.architecture.id, (*COST, *registries["proxy"]))
    return {"psnr": score_of(proposal), **drawn}


@cache
def _drawn(architecture_id: str, names: tuple[str, ...]) -> dict[str, float]:
    return {name: derived_seed(name, architecture_id) / 2**48 for name in names}


def inherited(proposal: Proposal) -> Trial:
    """A complete trial of a proposal that another strategy made."""
    score = score_of(proposal)
    return Trial(0, proposal, 0, "complete", score, metrics_of(proposal))


def pictures_of(proposal: Proposal) -> dict[str, Any]:
    """Two fixed restored pictures, different for every architecture."""
    rng = np.random.default_rng(derived_seed("pictures", proposal.architecture.id))
    return {f"folder/{n}": rng.random((2, 3, 1), dtype=np.float32) for n in range(2)}


class StrategyContract(ComponentContract):
    """What every strategy must do. A subclass gives `make`."""

    domains = DOMAINS
    """What is searched; the first is large enough for seeds to differ."""

    bytes_per_trial = 100
    """How much the state may grow with each trial: it is written after every one of them."""

    takes_the_best = True
    """Whether the best score at the full stage is recommended; if not, test what is instead."""

    goes_on_after_failures = True
    """Whether something is proposed after a failed trial."""

    seeds_differ = True
    """Whether another seed of the run makes other proposals."""

    evaluator: Evaluator = NeverAsked()
    """The evaluator of the full stage, for a strategy that makes its other stages' from it."""

    def make(self) -> Strategy:
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    def problem(self, domain: Domain, seed: int) -> Problem:
        """What a strategy is bound to; for one that needs more than a domain, give more."""
        stages = {FULL: self.evaluator, **self.make().stages(self.evaluator)}
        return Problem(DomainAlone(domain), None, stages, seed)  # type: ignore

    def bound(self, domain: Domain, seed: int = 0) -> Strategy:
        """A fresh strategy that is bound to `domain`."""
        strategy = self.make()
        strategy.bind(self.problem(domain, seed))
        return strategy

    @pytest.mark.parametrize(("workers", "fail_every"), [(1, 0), (3, 1), (3, 3)])
    def test_proposals_are_in_the_domain(self, workers: int, fail_every: int) -> None:
        for domain in self.domains:
            stages = self.problem(domain, 0).evaluators
            for trial in Play(self.bound(domain), workers, fail_every).go_on(30):
                assert trial.architecture in domain
                assert trial.proposal.stage in stages
                assert 0 < trial.proposal.fidelity <= 1

    def test_something_is_proposed_after_failures(self) -> None:
        if not self.goes_on_after_failures:
            pytest.skip("a failure ends the search")
        assert len(Play(self.bound(self.domains[0]), fail_every=1).go_on(10)) == 10

    def test_the_same_seed_gives_the_same_proposals(self) -> None:
        for domain in self.domains:
            first, second = (Play(self.bound(domain), 2, 5).go_on(30) for _ in range(2))
            assert _proposals(first) == _proposals(second)

    def test_another_seed_gives_other_proposals(self) -> None:
        if not self.seeds_differ:
            pytest.skip("the proposals are the same for every seed")
        first, second = (Play(self.bound(self.domains[0], seed)).go_on(30) for seed in (0, 1))
        assert _proposals(first) != _proposals(second)

    @pytest.mark.parametrize(("workers", "interrupted_at"), [(3, 0), (1, 1), (3, 13)])
    def test_a_restored_state_goes_on_with_the_same_proposals(
        self, workers: int, interrupted_at: int
    ) -> None:
        for domain in self.domains:
            whole = Play(self.bound(domain), workers, fail_every=4)
            whole.go_on(interrupted_at)
            state = state_coding.encode(whole.strategy.state_dict())
            restored = self.bound(domain)
            restored.load_state_dict(state_coding.decode(*state))
            restored.remember(list(whole.finished))
            again = Play(restored, workers, 4, deque(whole.flying), list(whole.finished))
            assert _proposals(whole.go_on(30)) == _proposals(again.go_on(30))
            assert _written(whole.strategy) == _written(again.strategy)
            assert _recommended(whole) == _recommended(again)

    def test_what_others_found_can_be_inherited_at_any_time(self) -> None:
        for domain in self.domains:
            rng = np.random.default_rng(1)
            others = [inherited(Proposal(domain.sample(rng))) for _ in range(6)]
            first, second = (Play(self.bound(domain), fail_every=4) for _ in range(2))
            for play in (first, second):
                play.strategy.inherit(others[:3])
                play.go_on(5)
                play.strategy.inherit(others[3:])
            restored = self.bound(domain)
            state = state_coding.encode(first.strategy.state_dict())
            restored.load_state_dict(state_coding.decode(*state))
            restored.remember([*others[:3], *first.finished, *others[3:]])
            third = Play(restored, 1, 4, deque(first.flying), list(first.finished))
            assert _proposals(first.go_on(20)) == _proposals(second.go_on(20))
            assert _proposals(first.finished) == _proposals(third.go_on(20))
            assert all(trial.architecture in domain for trial in first.finished)

    def test_the_state_hardly_grows(self) -> None:
        play = Play(self.bound(self.domains[0]))
        play.go_on(40)
        early = _written(play.strategy)
        play.go_on(90)
        assert len(_written(play.strategy)) <= len(early) + 50 * self.bytes_per_trial

    @pytest.mark.parametrize("fail_every", [0, 3])
    def test_a_complete_trial_is_recommended_at_any_time(self, fail_every: int) -> None:
        for domain in self.domains:
            play = Play(self.bound(domain), fail_every=fail_every)
            for trials in (1, 7, 30):
                complete = [t for t in play.go_on(trials) if t.state == "complete"]
                recommended = _recommended(play)
                assert recommended in complete if complete else recommended is None

    def test_the_best_complete_trial_is_recommended(self) -> None:
        if not self.takes_the_best:
            pytest.skip("another is recommended")
        for domain in self.domains:
            play = Play(self.bound(domain), fail_every=3)
            play.go_on(30)
            complete = [t for t in play.finished if t.state == "complete"]
            full = [t for t in complete if t.proposal.stage == FULL]
            if not full:
                continue  # of a space with one architecture, which failed
            best = max(full, key=lambda t: (t.proposal.fidelity, t.score or 0.0, -t.number))
            assert play.strategy.recommend(play.finished) == best

    def test_nothing_is_recommended_where_all_failed(self) -> None:
        play = Play(self.bound(self.domains[0]), fail_every=1)
        with pytest.raises(NasirError):
            play.strategy.recommend(play.go_on(3))

    def test_the_global_generators_are_left_alone(self) -> None:
        with untouched_generators():
            Play(self.bound(self.domains[0]), 2, 3).go_on(15)


def _proposals(trials: Iterable[Trial]) -> list[Proposal]:
    return [trial.proposal for trial in trials]


def _recommended(play: Play) -> Trial | None:
    """What is recommended, None where nothing is."""
    try:
        return play.strategy.recommend(play.finished)
    except NasirError:
        return None


def _written(strategy: Strategy) -> bytes:
    """The state as it is stored."""
    plain, arrays = state_coding.encode(strategy.state_dict())
    return plain + b"".join(arrays[place] for place in sorted(arrays))
