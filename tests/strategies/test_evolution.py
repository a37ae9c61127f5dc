from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import attrs
import pytest

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Problem
from nasir.core.objectives import Objective
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.strategies.evolution.strategy import Evolution
from nasir.strategies.random import RandomSearch
from nasir.testing.strategies import DomainAlone, NeverAsked

TWELVE = Domain("twelve", [Decision(f"d{i}", (0, 1, 2)) for i in range(12)])

F1_F2 = (Objective("f1", -1), Objective("f2", -1))


def bound(strategy: Strategy, domain: Domain = TWELVE, seed: int = 0, objectives=()) -> Strategy:
    full = {FULL: NeverAsked()}
    strategy.bind(Problem(DomainAlone(domain), None, full, seed, objectives=objectives))
    return strategy


def twos(architecture: Architecture) -> float:
    """How many decisions are right, in [0, 12]."""
    return sum(value == 2 for value in architecture.choices.values())


def complete(proposal: Proposal, score: float, number: int = 0) -> Trial:
    return Trial(number, proposal, number, "complete", score)


def failed(proposal: Proposal, number: int = 0) -> Trial:
    return Trial(number, proposal, number, "failed", error="made to fail")


def evaluated(strategy: Strategy, scores: list[float | None]) -> list[Trial]:
    """Trials with these scores, one after another; None: a failed one."""
    trials = []
    for number, score in enumerate(scores):
        proposal = strategy.ask()
        assert proposal is not None
        trial = failed(proposal, number) if score is None else complete(proposal, score, number)
        trials.append(trial)
        strategy.tell(trial)
    return trials


def best_found(strategy: Strategy, worth: Callable[[Architecture], float], trials: int) -> float:
    best = -math.inf
    for number in range(trials):
        proposal = strategy.ask()
        best = max(best, worth(proposal.architecture))
        strategy.tell(complete(proposal, worth(proposal.architecture), number))
    return best


def members(strategy: Evolution) -> list[str]:
    """The ids of the population, oldest first."""
    plain = strategy.state_dict()["members"]
    return [Architecture.from_json(text).id for text, _ in plain]


def ids(trials: list[Trial], *numbers: int) -> list[str]:
    return [trials[number].architecture.id for number in numbers]


def drawn(count: int) -> list[Proposal]:
    """Different proposals of somebody else."""
    strategy = bound(Evolution(population=1000), seed=99)
    return [strategy.ask() for _ in range(count)]


def distance(one: Architecture, other: Architecture) -> int:
    return sum(value != other.choices[name] for name, value in one.choices.items())


def test_the_oldest_dies_however_good_it_is():
    strategy = bound(Evolution(population=3))
    trials = evaluated(strategy, [9.0, 1.0, 2.0])
    assert members(strategy) == ids(trials, 0, 1, 2)
    trials += evaluated(strategy, [0.0])
    assert members(strategy) == ids(trials, 1, 2, 3)
    trials += evaluated(strategy, [5.0, None, 4.0])
    assert members(strategy) == ids(trials, 3, 4, 6)


def test_the_worst_dies_where_survival_is_elitist():
    strategy = bound(Evolution(population=3, survival="elitist"))
    trials = evaluated(strategy, [9.0, 1.0, 2.0, 0.0, 5.0, None, 4.0])
    assert members(strategy) == ids(trials, 0, 4, 6)


def test_the_older_of_equals_dies_where_survival_is_elitist():
    strategy = bound(Evolution(population=2, survival="elitist"))
    trials = evaluated(strategy, [1.0, 1.0, 1.0])
    assert members(strategy) == ids(trials, 1, 2)


def test_failed_trials_are_replaced_until_the_population_is_full():
    strategy = bound(Evolution(population=2, tournament=50))
    first = evaluated(strategy, [None, 3.0, None, 1.0])
    child = strategy.ask().architecture
    assert members(strategy) == ids(first, 1, 3)
    assert distance(child, first[1].architecture) == 1


def test_a_child_is_the_winner_with_so_many_mutations():
    """A tournament of 200 draws from ten members leaves out the best once in 10^9 times."""
    for seed in range(10):
        strategy = bound(Evolution(population=10, tournament=200, mutations=3), seed=seed)
        trials = evaluated(strategy, list(map(float, range(10))))
        child = strategy.ask().architecture
        assert 1 <= distance(child, trials[9].architecture) <= 3


def test_a_child_of_two_parents_has_nothing_that_neither_has():
    """Where both parents are one, the child is that one with a mutation, since it must be new."""
    mixed = 0
    for seed in range(20):
        strategy = bound(Evolution(population=2, tournament=1, crossover=1, mutation=0), seed=seed)
        parents = [trial.architecture for trial in evaluated(strategy, [1.0, 2.0])]
        child = strategy.ask().architecture
        if min(distance(child, parent) for parent in parents) > 1:
            pairs = child.choices.items()
            assert all(value in {p.choices[name] for p in parents} for name, value in pairs)
            mixed += 1
    assert mixed > 3


def test_workers_never_wait_and_never_get_the_same():
    strategy = bound(Evolution(population=5))
    flying = [strategy.ask() for _ in range(40)]
    assert len({proposal.architecture.id for proposal in flying}) == 40


def test_those_in_flight_count_for_the_first_population():
    """Of population 4, one evaluated and three in flight: the next is already a child."""
    strategy = bound(Evolution(population=4))
    flying = [strategy.ask() for _ in range(4)]
    strategy.tell(complete(flying[0], 1.0))
    assert distance(strategy.ask().architecture, flying[0].architecture) == 1


def test_one_max_is_solved_better_than_at_random():
    """Of 3^12 architectures in 100 trials; a random one has four right in the mean."""
    evolved, random = (
        [best_found(bound(make(), seed=seed), twos, 100) for seed in range(8)]
        for make in (Evolution, RandomSearch)
    )
    assert statistics.fmean(evolved) > statistics.fmean(random) + 1


def test_the_best_inherited_trials_are_the_population():
    strategy = bound(Evolution(population=3, tournament=100))
    others = [complete(p, s) for p, s in zip(drawn(6), [3.0, 9.0, 1.0, 7.0, 2.0, 8.0], strict=True)]
    strategy.inherit(others)
    assert members(strategy) == ids(others, 1, 3, 5)
    assert distance(strategy.ask().architecture, others[1].architecture) == 1


def test_an_inherited_trial_takes_the_place_of_the_worst_or_none():
    strategy = bound(Evolution(population=3))
    trials = evaluated(strategy, [5.0, 3.0, 4.0])
    bad, good = (complete(p, score) for p, score in zip(drawn(2), (1.0, 6.0), strict=True))
    strategy.inherit([bad])
    assert members(strategy) == ids(trials, 0, 1, 2)
    strategy.inherit([good])
    assert members(strategy) == [*ids(trials, 0, 2), good.architecture.id]


def test_a_trial_of_less_fidelity_is_not_inherited():
    strategy = bound(Evolution(population=3))
    strategy.inherit([complete(attrs.evolve(drawn(1)[0], fidelity=0.5), 9.0)])
    assert members(strategy) == []


def test_inherited_architectures_are_not_proposed_also_after_a_restart():
    small = Domain("small", [Decision("a", range(10))])
    others = [complete(Proposal(one), 1.0) for one in list(small)[:8]]
    strategy = bound(Evolution(population=2), small)
    strategy.inherit(others)
    restored = bound(Evolution(population=2), small)
    restored.load_state_dict(strategy.state_dict())
    restored.remember(others)
    for each in (strategy, restored):
        evaluated(each, [1.0, 1.0])
        assert each.ask() is None


def test_asking_a_space_that_is_used_up_changes_no_state():
    small = Domain("small", [Decision("a", range(3))])
    strategy = bound(Evolution(population=2), small)
    evaluated(strategy, [1.0, 2.0, 3.0])
    before = strategy.state_dict()
    assert strategy.ask() is None
    assert strategy.state_dict() == before


def zdt1(architecture: Architecture) -> dict[str, float]:
    """ZDT1 (Zitzler et al. 2000) of x1 in tenths and four others in quarters; both least best."""
    x, *rest = architecture.choices.values()
    g = 1 + 9 * statistics.fmean(rest) / 4
    return {"f1": x / 10, "f2": g * (1 - math.sqrt(x / 10 / g))}


def leading_ones(architecture: Architecture) -> dict[str, float]:
    """LOTZ (Laumanns et al. 2002) with a plateau: all but the leading ones, all but the trailing
    zeros; most changes change neither."""
    bits = "".join(map(str, architecture.choices.values()))
    return {
        "f1": len(bits) - len(bits.partition("0")[0]),
        "f2": len(bits) - len(bits.rpartition("1")[2]),
    }


ZDT1 = Domain("zdt1", [Decision("x1", range(11)), *(Decision(f"x{i}", range(5)) for i in "2345")])
LOTZ = Domain("lotz", [Decision(f"b{i}", (0, 1)) for i in range(10)])


@pytest.mark.parametrize(
    ("domain", "measured", "front", "trials"),
    [
        (ZDT1, zdt1, {(k / 10, 1 - math.sqrt(k / 10)) for k in range(11)}, 1000),
        (LOTZ, leading_ones, {(10 - k, k) for k in range(11)}, 600),
    ],
    ids=["zdt1", "lotz"],
)
def test_nsga2_reaches_the_whole_closed_form_front(domain, measured, front, trials):
    """Of 6875 and 1024 architectures."""
    strategy = bound(Evolution(population=24), domain, objectives=F1_F2)
    for number in range(trials):
        proposal = strategy.ask()
        metrics = measured(proposal.architecture)
        trial = complete(proposal, -metrics["f1"], number)
        strategy.tell(attrs.evolve(trial, metrics=metrics))
    held = {tuple(-v for v in values) for _, values in strategy.state_dict()["members"]}
    assert front <= held


def test_the_published_settings_go_with_the_number_of_objectives():
    """With several, the best of each objective survives any number of worse children."""
    strategy = bound(Evolution(population=3), objectives=F1_F2)
    points = [(0.0, 9.0), (9.0, 0.0), (5.0, 5.0), *((9.0 + n, 9.0 + n) for n in range(5))]
    trials = []
    for f1, f2 in points:
        trials.append(attrs.evolve(complete(strategy.ask(), -f1), metrics={"f1": f1, "f2": f2}))
        strategy.tell(trials[-1])
    assert members(strategy) == ids(trials, 0, 1, 2)
