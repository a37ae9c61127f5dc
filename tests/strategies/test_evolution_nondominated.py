from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasir.core.objectives import dominates
from nasir.strategies.evolution.nondominated import crowded_order, crowding, ranks

Point = tuple[int, ...]


@st.composite
def points(draw) -> list[Point]:
    """Up to 25 points of one to three objectives, many of them equal."""
    objectives = draw(st.integers(1, 3))
    return draw(st.lists(st.tuples(*[st.integers(-3, 3)] * objectives), min_size=1, max_size=25))


def peeled(values: list[Point]) -> list[int]:
    """The front of each point, by taking off the non-dominated ones again and again."""
    found: dict[int, int] = {}
    front = 0
    while len(found) < len(values):
        left = [i for i in range(len(values)) if i not in found]
        best = [i for i in left if not any(dominates(values[j], values[i]) for j in left)]
        found.update(dict.fromkeys(best, front))
        front += 1
    return [found[i] for i in range(len(values))]


def cuboid(values: list[Point]) -> list[float]:
    """Deb et al. 2002, crowding-distance-assignment, step by step."""
    distance = [0.0] * len(values)
    for m in range(len(values[0])):
        order = sorted(range(len(values)), key=lambda i: values[i][m])
        least, most = values[order[0]][m], values[order[-1]][m]
        if least == most:
            continue
        distance[order[0]] = distance[order[-1]] = math.inf
        for k in range(1, len(order) - 1):
            gap = values[order[k + 1]][m] - values[order[k - 1]][m]
            distance[order[k]] += gap / (most - least)
    return distance


@given(values=points())
@settings(max_examples=200)
def test_ranks_are_those_of_peeling_fronts_off(values):
    assert ranks(values).tolist() == peeled(values)


@given(values=points())
@settings(max_examples=200)
def test_crowding_is_the_published_algorithm(values):
    assert crowding(values) == pytest.approx(cuboid(values))


@given(values=points())
def test_the_order_is_by_front_then_crowding_then_age(values):
    rank, distance = peeled(values), [0.0] * len(values)
    for front in set(rank):
        members = [i for i in range(len(values)) if rank[i] == front]
        for i, one in zip(members, crowding([values[i] for i in members]), strict=True):
            distance[i] = one
    keys = [(rank[i], -distance[i], -i) for i in crowded_order(values)]
    assert keys == sorted(keys)
    assert sorted(crowded_order(values)) == list(range(len(values)))


@given(scores=st.lists(st.integers(-5, 5), min_size=1, max_size=20))
def test_one_objective_is_ordered_by_score_and_the_younger_of_equals(scores):
    expected = sorted(range(len(scores)), key=lambda i: (-scores[i], -i))
    assert crowded_order([(score,) for score in scores]) == expected


def test_crowding_of_five_points_is_as_computed_by_hand():
    """(1, 4): 3/5 + 2/5, between (0, 5) and (3, 3); (3, 3): 3/5 + 3/5; (4, 1): 2/5 + 3/5."""
    values = [(0, 5), (1, 4), (3, 3), (4, 1), (5, 0)]
    assert crowding(values).tolist() == pytest.approx([math.inf, 1.0, 1.2, 1.0, math.inf])
