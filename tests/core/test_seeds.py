"""Seeds made from seeds."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from nasir.core.seeds import derived_seed

parts = st.lists(st.integers() | st.text(), max_size=4)


def test_a_seed_is_48_bits_of_the_hash_of_its_parts():
    digest = hashlib.sha256(b"7/'trial'/3").digest()
    assert derived_seed(7, "trial", 3) == int.from_bytes(digest[:6], "big")


@given(parts)
def test_a_seed_is_within_48_bits(given_parts: list[int | str]):
    assert 0 <= derived_seed(*given_parts) < 2**48


@given(parts, parts)
def test_different_parts_give_different_seeds(first: list[int | str], second: list[int | str]):
    assert (derived_seed(*first) == derived_seed(*second)) == (first == second)


def test_slashes_and_quotes_do_not_join_parts():
    assert len({derived_seed("a", "b"), derived_seed("a/b"), derived_seed("a'/'b")}) == 3
    assert derived_seed(1) != derived_seed("1")
