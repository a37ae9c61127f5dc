from __future__ import annotations

import sys
from collections import Counter, deque

import nevergrad as ng
import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.errors import NasirError, SettingsError, UnknownNameError
from nasir.core.evaluator import Problem
from nasir.core.limits import Limits, limited, limits
from nasir.core.trial import FULL, Proposal, Trial
from nasir.strategies.nevergrad.encoding import Transitions, Weights
from nasir.strategies.nevergrad.optimizer import ArchitectureOptimizer
from nasir.strategies.nevergrad.strategy import FAILED_LOSS, Nevergrad
from nasir.testing import StrategyContract
from nasir.testing.strategies import DOMAINS, DomainAlone, NeverAsked, Play

WIDE = Domain("wide", [Decision(f"d{i}", range(3)) for i in range(7)])
BRANCHED = Domain("branched", [*DOMAINS[1].decisions, Decision("width", range(12))])
SEVERAL = (
    "PortfolioDiscreteOnePlusOne",
    "LognormalDiscreteOnePlusOne",
    "CMA",
    "MetaModel",
    "ScrHammersleySearch",
)
"""Others than those that the contract is kept with."""


def bound(optimizer: str, domain: Domain, seed: int = 0, **chosen: int) -> Nevergrad:
    strategy = Nevergrad(optimizer, **chosen)
    strategy.bind(Problem(DomainAlone(domain), None, {FULL: NeverAsked()}, seed))
    return strategy


def architectures(play: Play) -> list[Architecture]:
    return [trial.architecture for trial in play.finished]


class Told:
    """What an optimiser receives, and what it would ask for."""

    sequential = ended = False

    def __init__(self, *asked: Architecture) -> None:
        self.asked = deque(asked)
        self.finished: list[tuple[Architecture, float]] = []

    def ask(self) -> tuple[None, Architecture]:
        self.asked.rotate(-1)
        return None, self.asked[-1]

    def tell(self, candidate: None, architecture: Architecture, loss: float) -> None:
        self.finished.append((architecture, loss))

    def tell_not_asked(self, architecture: Architecture, loss: float) -> None:
        self.finished.append((architecture, loss))


class TestNevergradContract(StrategyContract):
    domains = (BRANCHED, *DOMAINS[2:])

    def make(self) -> Nevergrad:
        return Nevergrad()


class TestNevergradDifferentialEvolutionContract(StrategyContract):
    """An optimiser of real vectors."""

    domains = (BRANCHED,)

    def make(self) -> Nevergrad:
        return Nevergrad("DE", num_workers=3)


class TestNevergradCompetenceMapContract(StrategyContract):
    """An optimiser that chooses another."""

    domains = (WIDE,)

    def make(self) -> Nevergrad:
        return Nevergrad("NGOpt")


@pytest.mark.parametrize("optimizer", SEVERAL)
def test_an_interrupted_search_continues_as_the_whole_one(optimizer: str) -> None:
    whole = Play(bound(optimizer, WIDE, budget=40), workers=2, fail_every=4)
    whole.go_on(15)
    state, flying, finished = whole.strategy.state_dict(), deque(whole.flying), list(whole.finished)
    np.random.default_rng(0).random()
    restored = bound(optimizer, WIDE, budget=40)
    restored.load_state_dict(state)
    restored.remember(finished)
    again = Play(restored, 2, 4, flying, finished)
    whole.go_on(35)
    again.go_on(35)
    assert len(whole.finished) == 35
    assert architectures(whole) == architectures(again)
    assert whole.strategy.state_dict() == restored.state_dict()


@pytest.mark.parametrize("optimizer", ["LognormalDiscreteOnePlusOne", "MetaModel"])
def test_optimisers_that_draw_from_the_global_generator_have_their_own(optimizer: str) -> None:
    kept = np.random.get_state()
    try:
        np.random.seed(1)
        first = Play(bound(optimizer, WIDE))
        first.go_on(20)
        assert np.random.random() == np.random.RandomState(1).random()
        second = Play(bound(optimizer, WIDE))
        second.go_on(20)
    finally:
        np.random.set_state(kept)
    assert architectures(first) == architectures(second)


def test_a_mutation_is_as_likely_to_come_to_any_other_option() -> None:
    """Also where decisions have unequally many options."""
    domain = Domain("mixed", [Decision("a", range(5)), Decision("b", "xyz"), Decision("c", (1, 2))])
    optimizer = ArchitectureOptimizer("RLSOnePlusOne", domain, 3, 10**4, 1)
    candidate, start = optimizer.ask()
    optimizer.tell(candidate, start, 0.0)
    came_to = [Counter(), Counter(), Counter()]
    for _ in range(400):
        candidate, architecture = optimizer.ask()
        optimizer.tell(candidate, architecture, 1.0)
        steps = zip(domain.encode(start), domain.encode(architecture), strict=True)
        changed = [(place, now) for place, (was, now) in enumerate(steps) if was != now]
        assert len(changed) <= 1
        for place, now in changed:
            came_to[place][now] += 1
    assert [len(counts) for counts in came_to] == [4, 2, 1]
    for counts in came_to[:2]:
        assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_real_vectors_have_all_options_of_a_decision_equally_far_apart(forked: Domain) -> None:
    weights = Weights(forked)
    values = [weights.value([0, 0, 0, number, 0]) for number in range(3)]
    distances = [np.linalg.norm(values[i] - values[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert distances == pytest.approx([2**0.5] * 3)


@settings(deadline=None, max_examples=20)
@given(domain=...)
def test_both_encodings_give_back_the_architecture(domain: Domain) -> None:
    for encoding in (Transitions(domain), Weights(domain)):
        for architecture, _ in zip(domain, range(20), strict=False):
            value = encoding.value(domain.encode(architecture))
            child = encoding.parametrization().spawn_child(value)
            assert domain.decode(encoding.numbers(child.value)) == architecture


def test_the_optimiser_gets_a_known_score_at_once_and_proposes_again(forked: Domain) -> None:
    first, second, *_ = forked
    strategy = bound("DiscreteOnePlusOne", forked)
    strategy._optimizer = Told(first, first, first, second)
    proposal = strategy.ask()
    assert proposal.architecture == first
    strategy.tell(Trial(0, proposal, 0, "complete", 5.0))
    assert strategy.ask().architecture == second
    assert strategy._optimizer.finished == [(first, -5.0)] * 3


def test_an_optimiser_that_repeats_itself_gets_a_drawn_architecture(forked: Domain) -> None:
    strategy = bound("DiscreteOnePlusOne", forked)
    strategy._optimizer = Told(next(iter(forked)))
    finished = Play(strategy).go_on(20)
    assert {trial.architecture for trial in finished} == set(forked)
    losses = {(trial.architecture, -trial.score) for trial in finished}
    assert set(strategy._optimizer.finished) == losses


def test_a_failure_has_the_worst_score_so_far(forked: Domain) -> None:
    some = list(forked)[:4]
    strategy = bound("DiscreteOnePlusOne", forked)
    strategy._optimizer = Told(*some)
    for number, score in enumerate((None, 3.0, 2.0, None)):
        state = "failed" if score is None else "complete"
        strategy.tell(Trial(number, strategy.ask(), 0, state, score))
    losses = (FAILED_LOSS, -3.0, -2.0, -2.0)
    assert strategy._optimizer.finished == list(zip(some, losses, strict=True))


def test_the_optimiser_gets_what_conditions_made_and_inactive_decisions_may_drift() -> None:
    domain = Domain(
        "conditional",
        [
            Decision("kind", ("a", "b")),
            Decision("only_a", range(3), {"kind": ("a",)}),
            Decision("end", "xyz"),
        ],
        forbidden=[{"kind": ("b",), "end": ("x",)}],
    )
    optimizer = ArchitectureOptimizer("DiscreteOnePlusOne", domain, 0, 100, 1)
    asked = [3, 2, 0]
    architecture = domain.decode(asked)
    assert architecture.choices == {"kind": "b", "end": "y"}
    assert optimizer._evaluated(architecture, asked) == [3, 2, 1]


def test_only_architectures_within_limits_are_proposed() -> None:
    small = Limits(limits(["parameters<2"]), lambda a, *_: {"parameters": float(a.choices["d0"])})
    domain = limited(WIDE, small)
    play = Play(bound("DiscreteOnePlusOne", domain))
    play.go_on(30)
    assert len(play.finished) == 30
    assert {architecture.choices["d0"] for architecture in architectures(play)} == {0, 1}


def test_the_optimiser_continues_from_inherited_trials() -> None:
    best = WIDE.architecture({f"d{i}": 2 for i in range(7)})
    strategy = bound("RLSOnePlusOne", WIDE)
    Play(strategy).go_on(3)
    strategy.inherit([Trial(0, Proposal(best), 0, "complete", 100.0)])
    for _ in range(5):
        proposed = strategy.ask().architecture
        assert (
            sum(a != b for a, b in zip(WIDE.encode(proposed), WIDE.encode(best), strict=True)) == 1
        )


def test_a_sequential_optimiser_has_one_proposal_in_flight() -> None:
    play = Play(bound("DiscreteDoerrOnePlusOne", WIDE), workers=3)
    assert len(play.go_on(10)) == 10
    assert len(play.flying) == 1


@pytest.mark.parametrize("optimizer", ["LHSSearch", "ChainDEwithLHS", "HullAvgMetaRecentering"])
def test_an_optimiser_may_plan_its_points_in_advance(optimizer: str) -> None:
    assert len(Play(bound(optimizer, WIDE, budget=8)).go_on(8)) >= 7


def test_points_planned_in_advance_end_the_search() -> None:
    for optimizer in ("LHSSearch", "CauchyScrHammersleySearch", "BFGSCMA"):
        play = Play(bound(optimizer, WIDE, budget=8))
        assert 1 <= len(play.go_on(40)) <= 25
        assert not play.flying
        state = play.strategy.state_dict()
        assert play.strategy.ask() is None
        assert play.strategy.state_dict() == state


@pytest.mark.parametrize("optimizer", ["Cobyla", "Powell", "ChainCMASQP"])
def test_optimisers_that_cannot_be_stored_are_refused_by_name(optimizer: str) -> None:
    with pytest.raises(SettingsError, match=f"optimizer={optimizer} cannot be stored"):
        bound(optimizer, WIDE)


def test_an_unknown_optimiser_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'DiscreteOnePlusOne'") as refused:
        bound("DiscretOnePlusOne", WIDE)
    assert len(str(refused.value)) < 250


def test_errors_of_nevergrad_are_one_line() -> None:
    with pytest.raises(NasirError, match=r"DiscreteDoerrOnePlusOne .*sequential case") as caught:
        bound("DiscreteDoerrOnePlusOne", WIDE, num_workers=2)
    assert "\n" not in str(caught.value)


def test_a_space_with_nothing_to_decide_is_refused() -> None:
    with pytest.raises(SettingsError, match="leaves nothing to decide: take strategy=random"):
        bound("DE", Domain("fixed", []))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wanting(ng.optimizers.base.Optimizer):
        def _internal_ask_candidate(self):
            import not_installed_anywhere

            return not_installed_anywhere

    monkeypatch.setitem(ng.optimizers.registry, "Wanting", Wanting)
    monkeypatch.setitem(sys.modules, "not_installed_anywhere", None)
    with pytest.raises(SettingsError, match=r"needs another package \(.*not_installed_anywhere"):
        bound("Wanting", WIDE).ask()


def test_a_run_that_cannot_be_asked_again_is_refused() -> None:
    play = Play(bound("DiscreteOnePlusOne", WIDE))
    play.go_on(3)
    alien = [
        Trial(n, Proposal(a), 0, "complete", 1.0) for n, a in zip(range(3), WIDE, strict=False)
    ]
    restored = bound("DiscreteOnePlusOne", WIDE)
    restored.load_state_dict(play.strategy.state_dict())
    with pytest.raises(NasirError, match="asks for other architectures"):
        restored.remember(alien)
