from __future__ import annotations

import pytest

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.trial import FULL, Proposal, Trial
from nasir.strategies.local_search import LARGEST, LocalSearch
from nasir.testing.strategies import DomainAlone, NeverAsked

THREE = Domain("three", [Decision(name, (0, 1, 2)) for name in "abc"])
"""27 architectures with six neighbours each."""

WEIGHTS = {"a": 1, "b": 10, "c": 100}


def at(a: int, b: int, c: int) -> Architecture:
    return THREE.architecture({"a": a, "b": b, "c": c})


def ramp(architecture: Architecture) -> float:
    """Greatest at (2, 2, 2), and nowhere else is no neighbour better."""
    return sum(WEIGHTS[name] * int(value) for name, value in architecture.choices.items())


def two_hills(architecture: Architecture) -> float:
    """As the ramp, but (0, 0, 0) is better than all its neighbours."""
    return 205.0 if set(architecture.choices.values()) == {0} else ramp(architecture)


class References(DomainAlone):
    """A space with three references, of which the first is not searched."""

    def reference(self) -> dict[str, Architecture]:
        elsewhere = Architecture("three", {"a": 9, "b": 9, "c": 9})
        return {"elsewhere": elsewhere, "low": at(0, 0, 0), "high": at(2, 2, 1)}


def searching(domain: Domain = THREE, seed: int = 0, **fields: object) -> LocalSearch:
    strategy = LocalSearch(**fields)
    strategy.bind(Problem(References(domain), None, {FULL: NeverAsked()}, seed))
    return strategy


def played(strategy: LocalSearch, worth=ramp, trials: int = 1000, workers: int = 1) -> list[Trial]:
    """Trials until so many are finished or the search ends, scored by `worth`."""
    finished: list[Trial] = []
    flying: list[Proposal] = []
    while len(finished) < trials:
        while len(flying) < workers and (proposal := strategy.ask()):
            flying.append(proposal)
        if not flying:
            break
        finished.append(complete(flying.pop(0), worth, len(finished)))
        strategy.tell(finished[-1])
    return finished


def complete(proposal: Proposal, worth=ramp, number: int = 0) -> Trial:
    return Trial(number, proposal, number, "complete", worth(proposal.architecture))


def visited(trials: list[Trial]) -> list[tuple[int, ...]]:
    return [tuple(trial.architecture.choices.values()) for trial in trials]


def differ(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("workers", [1, 3])
def test_moves_to_best_neighbour_after_the_evaluations_counted_by_hand(workers):
    """(0,0,0) and its 6 neighbours; on to (0,0,2), of whose neighbours 2 are known and 4 are not;
    on to (0,2,2), of whose (0,0,2), (0,1,2) and (0,2,0) are: 3 more; on to (2,2,2), of whose
    (0,2,2), (1,2,2) and (2,0,2) are: 3 more, and none is better."""
    strategy = searching(start="reference", move="best", restarts=0)
    finished = visited(played(strategy, workers=workers))
    assert finished[0] == (0, 0, 0)
    assert {differ((0, 0, 0), one) for one in finished[1:7]} == {1}
    assert all(one[2] == 2 and differ((0, 0, 2), one) == 1 for one in finished[7:11])
    assert set(finished[11:14]) == {(1, 2, 2), (2, 2, 2), (0, 2, 1)}
    assert set(finished[14:]) == {(2, 1, 2), (2, 2, 0), (2, 2, 1)}
    assert len(finished) == 1 + 6 + 4 + 3 + 3
    assert strategy.ask() is None


def test_moves_to_first_better_neighbour_at_once():
    """Every result is a neighbour of the best before it, since whatever is better is gone to."""
    for seed in range(20):
        finished = played(searching(seed=seed, move="first", restarts=0))
        for number in range(1, len(finished)):
            best = max(finished[:number], key=lambda t: t.score or 0.0)
            assert differ(*visited([best, finished[number]])) == 1
        assert visited(finished).count((2, 2, 2)) == 1
        assert set(visited(finished)) >= {(2, 2, x) for x in (0, 1)} | {(x, 2, 2) for x in (0, 1)}


@pytest.mark.parametrize("move", ["first", "best"])
@pytest.mark.parametrize("workers", [1, 2, 5, 40])
def test_the_optimum_of_a_unimodal_domain_is_found_without_a_restart(move, workers):
    for seed in range(5):
        finished = played(searching(seed=seed, move=move, restarts=0), workers=workers)
        assert (2, 2, 2) in visited(finished)
        assert len(finished) < 27


def test_a_local_optimum_ends_a_search_without_restarts():
    finished = played(searching(start="reference", move="best", restarts=0), two_hills)
    assert len(finished) == 1 + 6
    assert (2, 2, 2) not in visited(finished)


def test_references_are_starts_one_after_another_and_then_draws():
    """(0,0,0) is better than its 6 neighbours; (2,2,1) goes on to (2,2,2) after its own 6, of
    which none was known, and (2,2,2) has 4 more; then one is drawn."""
    finished = visited(played(searching(start="reference", move="best"), two_hills))
    assert finished[7] == (2, 2, 1)
    assert {differ((2, 2, 1), one) for one in finished[8:14]} == {1}
    assert {differ((2, 2, 2), one) for one in finished[14:18]} == {1}
    assert differ((2, 2, 2), finished[18]) > 1


@pytest.mark.parametrize("move", ["first", "best"])
@pytest.mark.parametrize("workers", [1, 4])
def test_restarts_evaluate_the_whole_domain_once_and_then_end(move, workers):
    finished = visited(played(searching(move=move), two_hills, workers=workers))
    assert sorted(finished) == [(a, b, c) for a in range(3) for b in range(3) for c in range(3)]


def test_only_the_last_neighbours_are_waited_for():
    """A start and its six neighbours are asked for at once, and nothing after them."""
    strategy = searching(start="reference", move="best")
    asked = [strategy.ask() for _ in range(7)]
    assert None not in asked
    before = strategy.state_dict()
    assert strategy.ask() is None
    assert strategy.state_dict() == before
    strategy.tell(complete(asked[0]))
    assert strategy.ask() is None


def test_a_failed_start_is_left_for_any_neighbour():
    strategy = searching(start="reference", move="first", restarts=0)
    start = strategy.ask()
    strategy.tell(Trial(0, start, 0, "failed", error="made to fail"))
    finished = played(strategy)
    assert differ((0, 0, 0), visited(finished)[0]) == 1
    assert (2, 2, 2) in visited(finished)


def test_the_best_inherited_trial_is_the_start_and_is_not_evaluated_again():
    strategy = searching(move="best", restarts=0)
    others = [complete(Proposal(one)) for one in (at(0, 1, 0), at(2, 1, 2), at(1, 1, 1))]
    strategy.inherit(others)
    finished = visited(played(strategy))
    assert {differ((2, 1, 2), one) for one in finished[:5]} == {1}
    assert (2, 2, 2) in finished
    assert (2, 1, 2) not in finished
    assert (1, 1, 1) not in finished


def test_an_inherited_trial_no_better_than_what_is_known_moves_nothing():
    strategy = searching(start="inherited", move="best")
    strategy.inherit([complete(Proposal(at(2, 2, 2)))])
    strategy.inherit([complete(Proposal(at(0, 0, 0)))])
    assert differ((2, 2, 2), visited(played(strategy, trials=1))[0]) == 1


def test_a_trial_of_less_fidelity_is_ignored():
    strategy, alone = searching(), searching()
    strategy.inherit([complete(Proposal(at(2, 2, 2), fidelity=0.5))])
    assert visited(played(strategy)) == visited(played(alone))


def test_starts_are_drawn_where_inherited_trials_are_not_wanted():
    strategy, alone = searching(start="random"), searching(start="random")
    first = alone.ask()
    strategy.inherit([complete(Proposal(at(2, 2, 2)))])
    assert strategy.ask() == first


def test_references_that_are_not_searched_are_refused_as_starts():
    other = Domain("three", [Decision(name, (5, 6)) for name in "abc"])
    with pytest.raises(
        SettingsError, match=r"strategy.start=reference .* take strategy.start=random"
    ):
        searching(other, start="reference")


def test_a_neighbourhood_too_large_to_list_is_drawn_from():
    """The other branch has 4^8 architectures, all of them neighbours, and this one 24."""
    branch = Decision("branch", ("left", "right"))
    parts = [
        Decision(f"{side}{i}", range(4), {"branch": [side]})
        for side in ("left", "right")
        for i in range(8)
    ]
    strategy = searching(Domain("branched", [branch, *parts]), restarts=0)
    falling = iter(range(0, -LARGEST - 1, -1))
    finished = played(strategy, lambda _: next(falling))
    first = finished[0].architecture.choices["branch"]
    sides = [trial.architecture.choices["branch"] for trial in finished[1:]]
    assert sides.count(first) == 24
    assert 24 < len(sides) < LARGEST
