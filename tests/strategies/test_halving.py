"""Successive halving against rungs that were computed by hand."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from played_rungs import LARGE, bound, ended, played, started

import nasir
from nasir.core.domain import Domain
from nasir.core.errors import SettingsError
from nasir.core.trial import Proposal, Trial
from nasir.runs import state_coding
from nasir.strategies.evolution.nondominated import crowded_order
from nasir.strategies.halving.brackets import fidelities, halving
from nasir.strategies.halving.halving import SuccessiveHalving
from nasir.strategies.halving.rungs import FrontRung

DECISIONS = ("a", "b", "c", "d")


def scored(trial: Trial) -> float:
    """A fixed score for every architecture of the large domain, the same at any fidelity."""
    return sum(trial.architecture.choices[name] * 12**i for i, name in enumerate(DECISIONS))


def rungs(trials: list[Trial]) -> dict[float, list[int]]:
    """The seeds of the trials at each fidelity, in order."""
    found = defaultdict(list)
    for trial in trials:
        found[trial.proposal.fidelity].append(trial.seed)
    return found


@pytest.mark.parametrize(
    ("pool", "sizes"),
    [(9, (9, 3, 1, 0)), (27, (27, 9, 3, 1)), (80, (80, 26, 8, 2)), (81, (81, 27, 9, 3))],
)
def test_each_rung_has_a_third_of_the_one_below(pool: int, sizes: tuple[int, ...]) -> None:
    assert halving(pool, 3, 1 / 27).sizes == sizes


@pytest.mark.parametrize(
    ("eta", "lowest", "expected"),
    [
        (3, 1 / 27, [1 / 27, 1 / 9, 1 / 3, 1]),
        (3, 0.1, [1 / 9, 1 / 3, 1]),
        (2, 0.125, [0.125, 0.25, 0.5, 1]),
        (10, 0.001, [0.001, 0.01, 0.1, 1]),
        (3, 0.5, [1]),
        (3, 1, [1]),
    ],
)
def test_fidelities_are_powers_down_to_the_lowest(
    eta: int, lowest: float, expected: list[float]
) -> None:
    assert fidelities(eta, lowest) == pytest.approx(expected)
    assert min(fidelities(eta, lowest)) >= lowest * (1 - 1e-9)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_synchronous_round_keeps_the_best_third_of_each_rung(workers: int) -> None:
    strategy = bound(SuccessiveHalving(mode="synchronous", pool=27, lowest=1 / 27))
    assert strategy.usual_trials == 27 + 9 + 3 + 1
    finished, _ = played(strategy, scored, 40, workers)
    at = rungs(finished)
    ranked = sorted(at[1 / 27], key={t.seed: -scored(t) for t in finished}.__getitem__)
    assert [len(at[f]) for f in (1 / 27, 1 / 9, 1 / 3, 1)] == [27, 9, 3, 1]
    assert at[1 / 9] == ranked[:9]
    assert at[1 / 3] == ranked[:3]
    assert at[1] == ranked[:1]
    assert strategy.recommend(finished).seed == ranked[0]


def test_a_synchronous_rung_waits_for_the_one_below() -> None:
    strategy = bound(SuccessiveHalving(mode="synchronous", pool=9))
    flying = [started(strategy, number) for number in range(9)]
    for trial in flying[:8]:
        assert started(strategy, 9) is None
        strategy.tell(ended(trial, scored(trial)))
    assert started(strategy, 9) is None
    strategy.tell(ended(flying[8], scored(flying[8])))
    assert started(strategy, 9).proposal.fidelity == 1 / 3


def test_another_synchronous_round_has_architectures_of_its_own() -> None:
    strategy = bound(SuccessiveHalving(mode="synchronous", pool=9))
    finished, _ = played(strategy, scored, 26, workers=2)
    rounds = [rungs(finished[:13]), rungs(finished[13:])]
    for one in rounds:
        assert [len(one[f]) for f in (1 / 9, 1 / 3, 1)] == [9, 3, 1]
    assert not set(rounds[0][1 / 9]) & set(rounds[1][1 / 9])


@pytest.mark.parametrize(("complete", "sizes"), [(9, [9, 3, 1]), (2, [9, 2, 1]), (0, [9, 0, 0])])
def test_a_synchronous_rung_is_smaller_where_too_many_below_failed(
    complete: int, sizes: list[int]
) -> None:
    def scoring(trial: Trial) -> float | None:
        failing = trial.number >= complete and trial.proposal.fidelity < 0.2
        return None if failing else scored(trial)

    strategy = bound(SuccessiveHalving(mode="synchronous", pool=9))
    finished, _ = played(strategy, scoring, sum(sizes) + 1)
    at = rungs(finished[:-1])
    assert [len(at[f]) for f in (1 / 9, 1 / 3, 1)] == sizes
    assert finished[-1].proposal.fidelity == 1 / 9


def test_asynchronous_promotions_are_those_computed_by_hand() -> None:
    """By algorithm 2 of ASHA, for the scores 1, 3, 2, 4, 0, 5 in the order of drawing."""
    scores, drawn = [1, 3, 2, 4, 0, 5], []

    def scoring(trial: Trial) -> float:
        if trial.proposal.seed is None:
            drawn.append(trial.seed)
        return scores[drawn.index(trial.seed)]

    finished, _ = played(bound(SuccessiveHalving()), scoring, 10)
    steps = [(drawn.index(t.seed), round(1 / t.proposal.fidelity)) for t in finished]
    assert steps == [
        (0, 9), (1, 9), (2, 9), (1, 3),  # the best of three goes on
        (3, 9), (3, 3),  # the best of four
        (4, 9), (5, 9), (5, 3),  # two of six, and one of them had gone on before
        (5, 1),  # the best of three in the middle
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    scores=st.lists(st.none() | st.integers(0, 5), min_size=1, max_size=40),
    eta=st.integers(2, 4),
    workers=st.integers(1, 4),
)
def test_whoever_is_promoted_is_the_best_of_its_rung_that_may_be(
    scores: list[int | None], eta: int, workers: int
) -> None:
    strategy = bound(SuccessiveHalving(eta=eta, lowest=0.05))
    levels = fidelities(eta, 0.05)
    results: list[dict[int, float]] = [{} for _ in levels]
    gone: list[set[int]] = [set() for _ in levels]
    drawn: list[int] = []
    flying: list[Trial] = []
    for number, score in enumerate(scores):
        while len(flying) < workers:
            due = _promotable(results, gone, eta, drawn)
            trial = started(strategy, number + len(flying))
            rung = levels.index(trial.proposal.fidelity)
            if due is None:
                assert rung == 0
                drawn.append(trial.seed)
            else:
                assert (rung - 1, trial.seed) == due
                gone[rung - 1].add(trial.seed)
            flying.append(trial)
        trial = flying.pop(0)
        results[levels.index(trial.proposal.fidelity)][trial.seed] = -1 if score is None else score
        if score is None:
            gone[levels.index(trial.proposal.fidelity)].add(trial.seed)
        strategy.tell(ended(trial, score))


def _promotable(
    results: list[dict[int, float]], gone: list[set[int]], eta: int, drawn: list[int]
) -> tuple[int, int] | None:
    """By the definition: in the highest rung that has any, the best of the best 1 / eta.

    Of equal scores, what was drawn first is the better.
    """
    for rung in reversed(range(len(results) - 1)):
        there = results[rung]
        ordered = sorted(there, key=lambda seed: (-there[seed], drawn.index(seed)))
        due = [seed for seed in ordered[: len(there) // eta] if seed not in gone[rung]]
        if due:
            return rung, due[0]
    return None


def test_no_worker_waits_in_an_asynchronous_search() -> None:
    finished, waits = played(bound(SuccessiveHalving()), scored, 200, workers=7)
    assert waits == 0
    sizes = Counter(t.proposal.fidelity for t in finished)
    assert sizes[1] >= 10


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_a_promoted_trial_has_architecture_and_seed_of_the_one_before(mode: str) -> None:
    finished, _ = played(bound(SuccessiveHalving(mode=mode)), scored, 60, workers=3)
    begun = {t.seed: t for t in finished if t.proposal.seed is None}
    promoted = [t for t in finished if t.proposal.seed is not None]
    assert len(promoted) >= 12
    for trial in promoted:
        assert trial.architecture == begun[trial.proposal.seed].architecture


def test_the_best_that_others_found_are_tried_first() -> None:
    rng = np.random.default_rng(5)
    others = [
        Trial(n, Proposal(LARGE.sample(rng), fidelity=f), n, "complete", score)
        for n, (f, score) in enumerate([(1, 5.0), (1, 7.0), (0.5, 9.0), (1, 6.0)])
    ]
    strategy = bound(SuccessiveHalving(eta=4, inherited=3))
    strategy.inherit(others[:2])
    strategy.inherit(others[2:])
    finished, _ = played(strategy, scored, 3)
    assert [t.architecture for t in finished] == [others[i].architecture for i in (1, 3, 0)]
    assert started(strategy, 3).architecture not in [t.architecture for t in others]


@pytest.mark.parametrize("interrupted_at", [0, 5, 8, 9, 20])
def test_nothing_is_drawn_twice_before_all_are_drawn(forked: Domain, interrupted_at: int) -> None:
    strategy = bound(SuccessiveHalving(), forked)
    other = Trial(100, Proposal(next(iter(forked))), 100, "complete", 1.0)
    strategy.inherit([other])
    finished, _ = played(strategy, lambda t: None, interrupted_at)
    restored = bound(SuccessiveHalving(), forked)
    restored.load_state_dict(state_coding.decode(*state_coding.encode(strategy.state_dict())))
    restored.remember([other, *finished])
    rest, _ = played(strategy, lambda t: None, 30)
    again, _ = played(restored, lambda t: None, 30)
    assert [t.architecture for t in rest] == [t.architecture for t in again]
    drawn = [t.architecture for t in (*finished, *rest)]
    assert len(set(drawn[:9])) == 9
    assert len(drawn) == interrupted_at + 30


def test_a_pool_that_never_gets_to_the_full_fidelity_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"strategy\.pool=8 .* take 9 or more"):
        SuccessiveHalving(mode="synchronous", pool=8)
    SuccessiveHalving(mode="synchronous", pool=9)


def test_with_several_objectives_the_first_fronts_of_a_rung_are_promoted() -> None:
    words = ("dipbench", "strategy=halving", "strategy.mode=synchronous", "seed=4")
    run = nasir.search(*words, objective=["psnr", "-parameters"])
    by_fidelity: dict[float, dict[int, tuple[float, float]]] = defaultdict(dict)
    for t in run.trials:
        by_fidelity[t.proposal.fidelity][t.seed] = (t.metrics["psnr"], -t.metrics["parameters"])
    lowest, following = sorted(by_fidelity)[:2]
    rung, promoted = by_fidelity[lowest], by_fidelity[following]
    best = [list(rung)[i] for i in crowded_order(list(rung.values()))[: len(promoted)]]
    assert set(best) == set(promoted)
    assert max(rung, key=lambda seed: rung[seed][1]) in promoted  # the smallest network


def test_a_front_rung_promotes_by_fronts_and_then_by_crowding() -> None:
    rung = FrontRung()
    points = [(3.0, 0.0), (0.0, 3.0), (2.9, 0.1), (1.0, 1.0), (0.5, 0.5)]
    for number, values in enumerate(points):
        rung.enter(number, values)
    rung.enter(5, None)
    assert (len(rung), rung.complete) == (6, 5)
    promoted = []
    while (found := rung.best_waiting(4)) is not None:
        rung.promote(found)
        promoted.append(found)
    assert set(promoted[:2]) == {0, 1}  # the ends of the first front
    assert set(promoted) == {0, 1, 2, 3}  # the last is dominated
    assert rung.best_waiting(0) is None
