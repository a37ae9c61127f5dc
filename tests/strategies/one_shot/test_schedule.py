"""Which trials there are, in which order, and what becomes of them."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable
from itertools import groupby
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.trial import FULL, Proposal, Trial
from nasir.runs import state_coding
from nasir.settings import building
from nasir.strategies.one_shot.enas import Enas
from nasir.strategies.one_shot.rsws import RandomWeightSharing
from nasir.strategies.one_shot.spos import SinglePathOneShot
from nasir.strategies.one_shot.strategy import EPOCH, SHARED, OneShot
from nasir.testing.strategies import DOMAINS, DomainAlone, NeverAsked, Play, inherited, score_of

WIDE = Domain("wide", [Decision(f"d{i}", range(5)) for i in range(6)])
"""15625 architectures."""

MAKE: dict[str, Callable[[], OneShot]] = {
    "rsws": lambda: RandomWeightSharing(epochs=3, candidates=12, final=2),
    "spos": lambda: SinglePathOneShot(
        epochs=3, population=4, generations=3, parents=2, final=2, mutation=0.5
    ),
    "enas": lambda: Enas(epochs=3, steps=2, updates=2, samples=2, candidates=4, final=2, hidden=4),
}

every_strategy = pytest.mark.parametrize("name", MAKE)


class PathsFail(Play):
    """A search whose epochs all come to something, while some of its paths fail."""

    def _ended(self, trial: Trial) -> Trial:
        if trial.proposal.stage == EPOCH or derived_seed("fails", trial.number) % 4:
            return attrs.evolve(trial, state="complete", score=score_of(trial.proposal))
        return attrs.evolve(trial, state="failed", error="made to fail")


def bound(name: str, domain: Domain = WIDE, **changed: Any) -> OneShot:
    strategy = attrs.evolve(MAKE[name](), **changed)
    strategy.bind(Problem(DomainAlone(domain), None, {}, seed=4))  # type: ignore[arg-type]
    return strategy


def stages(trials: list[Trial]) -> list[tuple[str, int]]:
    """The stages in their order, and how often each comes in a row."""
    return [(s, len(list(of))) for s, of in groupby(t.proposal.stage for t in trials)]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("name", ["rsws", "spos"])
def test_epochs_come_first_then_paths_then_the_best_at_the_full_stage(
    name: str, workers: int
) -> None:
    trials = Play(bound(name), workers).go_on(100)
    assert stages(trials) == [(EPOCH, 3), (SHARED, 12), (FULL, 2)]
    assert len(trials) == MAKE[name]().usual_trials


@pytest.mark.parametrize("workers", [1, 3])
def test_the_controller_and_the_weights_learn_in_turn(workers: int) -> None:
    trials = Play(bound("enas"), workers).go_on(100)
    between = [(EPOCH, 1), (SHARED, 4)]
    assert stages(trials) == [*between, *between, (EPOCH, 1), (SHARED, 8), (FULL, 2)]
    assert len(trials) == MAKE["enas"]().usual_trials


@every_strategy
def test_a_paths_fidelity_is_the_share_of_the_epochs_before_it(name: str) -> None:
    epochs = 0
    for trial in Play(bound(name), 3).go_on(100):
        epochs += trial.proposal.stage == EPOCH
        expected = 1.0 if trial.proposal.stage == FULL else epochs / 3
        assert trial.proposal.fidelity == expected


@every_strategy
def test_an_epoch_and_the_paths_that_it_changes_are_never_in_flight_together(name: str) -> None:
    play = PathsFail(bound(name), workers=5)
    while play.go_on(len(play.finished) + 1) and play.flying:
        flying = [trial.proposal.stage for trial in play.flying]
        assert len(set(flying)) == 1
        assert flying.count(EPOCH) <= 1


@every_strategy
def test_the_best_paths_of_the_whole_supernet_reach_the_full_stage(name: str) -> None:
    trials = PathsFail(bound(name, final=3), 2).go_on(100)
    evaluated = {
        t.architecture: t.score
        for t in trials
        if t.proposal.stage == SHARED and t.proposal.fidelity == 1 and t.score is not None
    }
    best = sorted(evaluated, key=lambda a: -evaluated[a])[:3]
    assert [t.architecture for t in trials if t.proposal.stage == FULL] == best


@every_strategy
@pytest.mark.parametrize(("workers", "interrupted_at"), [(1, 4), (3, 8), (3, 16)])
def test_a_search_interrupted_at_any_time_continues_the_same(
    name: str, workers: int, interrupted_at: int
) -> None:
    for domain in (WIDE, DOMAINS[1]):
        whole = PathsFail(bound(name, domain), workers)
        whole.go_on(interrupted_at)
        restored = bound(name, domain)
        written = state_coding.encode(whole.strategy.state_dict())
        restored.load_state_dict(state_coding.decode(*written))
        again = PathsFail(restored, workers, 0, deque(whole.flying), list(whole.finished))
        proposals = [[t.proposal for t in play.go_on(100)] for play in (whole, again)]
        assert proposals[0] == proposals[1]
        assert state_coding.encode(restored.state_dict()) == state_coding.encode(
            whole.strategy.state_dict()
        )


@every_strategy
@settings(max_examples=4, deadline=None)
@given(domain=st.from_type(Domain), workers=st.integers(1, 3))
def test_every_search_of_any_domain_ends(name: str, domain: Domain, workers: int) -> None:
    trials = PathsFail(bound(name, domain), workers).go_on(100)
    assert 3 < len(trials) <= MAKE[name]().usual_trials
    assert all(trial.architecture in domain for trial in trials)


@pytest.mark.parametrize("name", ["rsws", "spos"])
def test_each_path_is_evaluated_once_also_in_a_small_domain(name: str) -> None:
    size = DOMAINS[1].size
    changed = {"candidates": 100} if name == "rsws" else {"population": 10, "generations": 9}
    trials = Play(bound(name, DOMAINS[1], **changed), 2).go_on(300)
    evaluated = [t.architecture.id for t in trials if t.proposal.stage == SHARED]
    assert len(evaluated) == len(set(evaluated)) == size


@every_strategy
def test_inherited_paths_come_before_new_ones_the_best_first(name: str) -> None:
    strategy = bound(name)
    others = [inherited(Proposal(a)) for a, _ in zip(WIDE, range(3), strict=False)]
    strategy.inherit(others)
    strategy.inherit(others)
    trials = Play(strategy).go_on(100)
    candidates = [t.architecture for t in trials if t.proposal.stage == SHARED]
    if name == "enas":
        candidates = candidates[12:]
    by_score = sorted(others, key=lambda t: -(t.score or 0))
    assert candidates[:3] == [t.architecture for t in by_score]
    assert not {t.architecture for t in others} & set(candidates[3:])
    assert len(trials) == MAKE[name]().usual_trials


def test_failed_and_foreign_trials_are_not_inherited() -> None:
    strategy = bound("rsws", DOMAINS[0])
    first = next(iter(DOMAINS[0]))
    elsewhere = Architecture(first.space, {**first.choices, "a": 99})
    failed = Trial(1, Proposal(first), 0, "failed", error="no")
    strategy.inherit([inherited(Proposal(elsewhere)), failed])
    before = bound("rsws", DOMAINS[0])
    assert strategy.state_dict() == before.state_dict()


@every_strategy
def test_the_stages_can_be_sent_to_other_processes(name: str) -> None:
    strategy = bound(name)
    for stage in strategy.stages(NeverAsked()).values():
        sent = pickle.loads(pickle.dumps(stage))
        assert sent.shared == stage.shared
        assert building.settings_of_component(sent.settings) == building.settings_of_component(
            strategy
        )


def test_a_failed_epoch_ends_the_search() -> None:
    strategy = bound("spos")
    proposal = strategy.ask()
    assert proposal is not None
    strategy.tell(Trial(0, proposal, 0, "failed", error="diverged"))
    assert strategy.ask() is None


@every_strategy
@pytest.mark.parametrize("finished", [3, 30])
def test_asking_in_vain_changes_nothing(name: str, finished: int) -> None:
    strategy = bound(name)
    Play(strategy, workers=2).go_on(finished)
    while strategy.ask():
        pass
    before = state_coding.encode(strategy.state_dict())
    assert strategy.ask() is None
    assert state_coding.encode(strategy.state_dict()) == before


def _trial(number: int, stage: str, fidelity: float, score: float) -> Trial:
    return Trial(number, Proposal(WIDE.decode([number] * 6), stage, fidelity), 0, "complete", score)


def test_recommends_the_best_of_the_full_stage_or_else_of_most_epochs() -> None:
    epoch = _trial(0, EPOCH, 0.5, 99.0)
    early, late, later = (
        _trial(1, SHARED, 0.5, 9.0),
        _trial(2, SHARED, 1.0, 4.0),
        _trial(3, SHARED, 1.0, 5.0),
    )
    full = _trial(4, FULL, 1.0, 1.0)
    strategy = MAKE["enas"]()
    assert strategy.recommend([epoch]) is epoch
    assert strategy.recommend([epoch, early]) is early
    assert strategy.recommend([epoch, early, late, later]) is later
    equal = _trial(5, SHARED, 1.0, 5.0)
    assert strategy.recommend([epoch, late, equal, later]) is later  # the first of equals
    assert strategy.recommend([epoch, early, late, later, full]) is full
