from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy import stats
from scipy.integrate import quad

from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Problem
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.strategies.bananas.acquisition import ACQUISITIONS
from nasir.strategies.bananas.encoding import one_hot
from nasir.strategies.bananas.ensemble import Ensemble
from nasir.strategies.bananas.strategy import Bananas
from nasir.strategies.random import RandomSearch
from nasir.testing.strategies import DomainAlone, NeverAsked

WIDE = Domain("wide", [Decision(f"d{i}", range(4)) for i in range(8)])
WEIGHTS = np.random.default_rng(5).normal(size=(8, 4))
MEAN, SPREAD, BEST = np.array([-1.0, 0.2, 3.0]), np.array([0.5, 2.0, 0.1]), 0.4


def bound(strategy: Strategy, domain: Domain, seed: int = 0) -> Strategy:
    strategy.bind(Problem(DomainAlone(domain), None, {FULL: NeverAsked()}, seed))
    return strategy


def additive(architecture) -> float:
    """A score to which each decision of `WIDE` gives something of its own."""
    return float(sum(WEIGHTS[i, n] for i, n in enumerate(WIDE.encode(architecture))))


def best_found(strategy: Strategy, trials: int) -> float:
    best = -np.inf
    for number in range(trials):
        proposal = strategy.ask()
        score = additive(proposal.architecture)
        strategy.tell(Trial(number, proposal, 0, "complete", score))
        best = max(best, score)
    return best


def acquired(name: str) -> np.ndarray:
    return ACQUISITIONS[name](MEAN, SPREAD, BEST, np.random.default_rng(0))


@settings(deadline=None, max_examples=30)
@given(domain=...)
def test_different_architectures_have_different_encodings(domain: Domain) -> None:
    every = [architecture for architecture, _ in zip(domain, range(30), strict=False)]
    encoded = one_hot(domain, every)
    assert len(np.unique(encoded, axis=0)) == len(every)
    assert encoded.sum(axis=1).tolist() == [len(a.choices) for a in every]


def test_the_encoding_has_a_place_for_each_option_and_zeros_where_none_applies(
    forked: Domain,
) -> None:
    long = forked.architecture({"branch": "a", "size": 2, "says_nothing": "only", "end": "z"})
    short = forked.architecture({"branch": "b", "says_nothing": "only", "end": "x"})
    assert one_hot(forked, [long, short]).tolist() == [
        [1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0],
        [0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0],
    ]


def test_expected_improvement_is_the_integral_that_defines_it() -> None:
    expected = [
        quad(lambda f, m=m, s=s: (f - BEST) * stats.norm.pdf(f, m, s), BEST, m + 12 * s + 1)[0]
        for m, s in zip(MEAN, SPREAD, strict=True)
    ]
    assert acquired("ei") == pytest.approx(expected, rel=1e-6)


def test_probability_of_improvement_is_the_normal_survival_function() -> None:
    assert acquired("pi") == pytest.approx(stats.norm.sf(BEST, MEAN, SPREAD))


def test_the_upper_confidence_bound_is_half_a_spread_above_the_mean() -> None:
    assert acquired("ucb").tolist() == pytest.approx([-0.75, 1.2, 3.05])


def test_thompson_samples_are_independent_normal_draws() -> None:
    rng = np.random.default_rng(0)
    draws = np.array([ACQUISITIONS["its"](MEAN, SPREAD, BEST, rng) for _ in range(2000)])
    for drawn, mean, spread in zip(draws.T, MEAN, SPREAD, strict=True):
        assert stats.kstest(drawn, "norm", (mean, spread)).pvalue > 1e-3
    assert abs(np.corrcoef(draws.T)[np.triu_indices(3, 1)]).max() < 0.08


def test_without_spread_only_a_better_mean_improves() -> None:
    mean, none = np.array([0.3, 0.5]), np.zeros(2)
    rng = np.random.default_rng(0)
    assert ACQUISITIONS["pi"](mean, none, 0.4, rng).tolist() == [0, 1]
    assert ACQUISITIONS["ei"](mean, none, 0.4, rng).tolist() == pytest.approx([0, 0.1])


def drawn_points() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    architectures = [WIDE.sample(rng) for _ in range(260)]
    return one_hot(WIDE, architectures), np.array([additive(a) for a in architectures])


def test_an_additive_score_is_ranked_from_sixty_points() -> None:
    features, scores = drawn_points()
    mean, spread = Ensemble(features[:60], scores[:60], 5, 150, seed=3).predict(features[60:])
    assert stats.spearmanr(mean, scores[60:]).statistic > 0.8
    assert (spread > 0).all()


def test_predictions_are_in_the_unit_of_the_scores() -> None:
    features, scores = drawn_points()
    mean, _ = Ensemble(features, 30 + 2 * scores, 3, 150, seed=3).predict(features)
    assert abs(mean - 30 - 2 * scores).mean() < 0.3


def test_mean_and_spread_are_those_of_the_members() -> None:
    features, scores = drawn_points()
    ensemble = Ensemble(features[:20], scores[:20], 4, 5, seed=1)
    ones = [ensemble._forward(torch.from_numpy(features[:3]))[m].tolist() for m in range(4)]
    unit = scores[:20].std()
    mean, spread = ensemble.predict(features[:3])
    assert mean == pytest.approx(np.mean(ones, axis=0) * unit + scores[:20].mean())
    assert spread == pytest.approx(np.std(ones, axis=0, ddof=1) * unit)


def test_equal_scores_are_predicted_as_they_are() -> None:
    features, _ = drawn_points()
    mean, _ = Ensemble(features[:5], np.full(5, 7.0), 2, 150, seed=1).predict(features[:5])
    assert mean == pytest.approx(np.full(5, 7.0), abs=0.1)


def test_the_same_seed_trains_the_same_networks() -> None:
    features, scores = drawn_points()
    first, second, other = (
        Ensemble(features[:40], scores[:40], 2, 10, seed).predict(features)[0] for seed in (1, 1, 2)
    )
    assert first.tobytes() == second.tobytes() != other.tobytes()


@pytest.mark.parametrize("acquisition", sorted(ACQUISITIONS))
def test_less_is_left_to_chance_than_in_random_search(acquisition: str) -> None:
    seeds = range(3)
    guided = [
        best_found(
            bound(Bananas(epochs=20, candidates=20, acquisition=acquisition), WIDE, seed), 30
        )
        for seed in seeds
    ]
    drawn = [best_found(bound(RandomSearch(), WIDE, seed), 30) for seed in seeds]
    assert np.mean(guided) > np.mean(drawn) + 1


def test_failed_trials_are_not_learnt_from() -> None:
    strategy = bound(Bananas(initial=2), WIDE)
    for number in range(6):
        strategy.tell(Trial(number, strategy.ask(), 0, "failed", error="made to fail"))
    assert strategy._known == []
    assert strategy.state_dict()["learnt"] == 0


def test_inherited_trials_stand_for_the_drawn_ones_and_are_not_evaluated_again() -> None:
    rng = np.random.default_rng(0)
    others = [Proposal(WIDE.sample(rng)) for _ in range(40)]
    strategy = bound(Bananas(), WIDE)
    strategy.inherit([Trial(0, p, 0, "complete", additive(p.architecture)) for p in others])
    proposed = [strategy.ask().architecture for _ in range(5)]
    assert not {p.architecture for p in others} & set(proposed)
    assert strategy.state_dict()["learnt"] == 40
    typical = np.mean([additive(p.architecture) for p in others])
    assert np.mean([additive(a) for a in proposed]) > typical + 2
