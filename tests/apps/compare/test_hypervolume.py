"""The hypervolume of two objectives, by hand and by counting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasir.apps.compare.hypervolume import hypervolume, share

small = st.integers(0, 6)


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([], 0),
        ([(2, 3)], 6),
        ([(1, 3), (2, 2), (3, 1)], 3 + 2 + 1),
        ([(1, 3), (2, 2), (3, 1), (1, 1), (2, 2)], 6),  # dominated and equal ones add nothing
        ([(3, 0), (0, 3), (-1, 5)], 0),  # not above the reference
    ],
)
def test_the_area_is_that_of_the_rectangles(points: list[tuple[int, int]], area: float):
    assert hypervolume(points, (0, 0)) == area


@given(st.lists(st.tuples(small, small)))
def test_on_whole_numbers_it_is_the_count_of_dominated_squares(points: list[tuple[int, int]]):
    squares = {(i, j) for x, y in points for i in range(x) for j in range(y)}
    assert hypervolume(points, (0, 0)) == len(squares)


def test_the_reference_moves_the_area():
    assert hypervolume([(5, 4)], (3, 1)) == 2 * 3


def test_the_share_is_of_the_box_around_all():
    everything = [(0, 0), (4, 10), (2, 5)]
    assert share([(4, 10)], everything) == 1.0
    assert share([(2, 5)], everything) == 0.25
    assert share([(0, 10), (4, 0)], everything) == 0.0
    assert share([(3, 3)], [(3, 3)]) == 0.0
