"""Domains that strategies are tried on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from nasir.core.architecture import Value
from nasir.core.domain import Decision, Domain

OPTIONS: tuple[Value, ...] = ("a", "b", 1, True, 1.0, -2.5)
"""1, 1.0 and True are three options."""


@st.composite
def conditional_domains(draw: Callable[..., object]) -> Domain:
    """Any valid domain of up to five decisions, with conditions and forbidden combinations."""
    decisions: list[Decision] = []

    def condition() -> dict[str, list[Value]]:
        among = st.lists(st.sampled_from(decisions), min_size=1, max_size=2, unique_by=id)
        return {
            d.name: draw(st.lists(st.sampled_from(d.options), min_size=1, max_size=3))
            for d in draw(among)
        }

    for i in range(draw(st.integers(1, 5))):
        options = draw(st.lists(st.sampled_from(OPTIONS), min_size=1, max_size=4, unique_by=repr))
        clauses = draw(st.integers(0, 2)) if decisions else 0
        decisions.append(Decision(f"d{i}", options, [condition() for _ in range(clauses)]))
    forbidden = [condition() for _ in range(draw(st.integers(0, 3)))]
    try:
        return Domain("drawn", decisions, forbidden)
    except ValueError:
        assume(False)


st.register_type_strategy(Domain, conditional_domains())


@pytest.fixture
def forked() -> Domain:
    """Nine architectures of unequal length: bx, by, bz, a1x, a1y, a2x, a2y, a2z, a3z.

    The decision that says nothing has one option, and the last applies nowhere.
    """
    return Domain(
        "forked",
        (
            Decision("branch", ("a", "b")),
            Decision("size", (1, 2, 3), {"branch": ["a"]}),
            Decision("says_nothing", ("only",)),
            Decision("end", ("x", "y", "z")),
            Decision("nowhere", ("u", "v"), {"branch": ["a"], "size": [1], "end": ["z"]}),
        ),
        ({"size": [1], "end": ["z"]}, {"size": [3], "end": ["x", "y"]}),
    )
