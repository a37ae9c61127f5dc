"""Ticks are round, and what is drawn lies where its values say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasir.apps.report.axes import Axes, span, tick_label, ticks


def test_ticks_are_round_numbers():
    assert ticks((0.0, 1.0), 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks((-3.0, 97.0), 4) == pytest.approx([0, 50])
    assert ticks((0.5, 3.5), 8, 1.0) == [1, 2, 3]


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.integers(2, 12))
@settings(deadline=None)
def test_ticks_lie_within_their_range_and_are_about_as_many_as_wanted(low, width, wanted):
    high = low + width
    made = ticks((low, high), wanted)
    slack = width * 1e-6
    assert all(low - slack <= tick <= high + slack for tick in made)
    assert len(made) <= wanted + 1


def test_a_range_has_room_around_its_finite_values():
    assert span([1.0, 3.0, math.nan, math.inf], 0.5) == (0.0, 4.0)
    assert span([]) == (0.0, 1.0)
    low, high = span([5.0, 5.0])
    assert low < 5 < high


def test_ticks_have_the_digits_that_differ():
    assert tick_label(0.2, 0.2) == "0.2"
    assert tick_label(-10.0, 5.0) == "\u221210"
    assert tick_label(25_000.0, 5_000.0) == "25k"
    assert tick_label(0.0, 50.0) == "0"


def test_values_grow_to_the_right_and_upwards():
    axes = Axes(400, 300, (0, 10), (0, 1))
    assert axes.x(0) < axes.x(5) < axes.x(10) <= 400
    assert axes.y(0) == axes.floor > axes.y(1) >= 0
