from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import attrs
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nasir.core.errors import SettingsError
from nasir.core.task import Patches, Sample
from nasir.training.division import divided


@attrs.frozen
class Named(Patches):
    """Pictures with nothing but names."""

    names: Sequence[str]
    largest_side: int = 8

    def batch(self, seed: int, count: int, side: int) -> tuple[Tensor, Tensor]:
        return torch.zeros(count, 1, side, side), torch.zeros(count, 1, side, side)

    def sample(self, name: str) -> Sample:
        return Sample(name, torch.zeros(1, 1, 8, 8))

    def only(self, names: Sequence[str]) -> Named:
        return Named(list(names))


def pictures(count: int) -> Named:
    return Named([f"p{i:03}" for i in range(count)])


def parts(count: int, shares: Sequence[float], seed: int = 0) -> list[list[str]]:
    return [list(part.names) for part in divided(pictures(count), shares, seed)]


@given(
    count=st.integers(3, 60),
    shares=st.lists(st.floats(0.01, 1), min_size=1, max_size=3),
    seed=st.integers(0, 2**48),
)
def test_parts_are_disjoint_not_empty_and_together_all(count: int, shares: list[float], seed: int):
    found = parts(count, shares, seed)
    assert sorted(chain(*found)) == list(pictures(count).names)
    assert all(found)
    assert all(part == sorted(part) for part in found)


@given(shares=st.lists(st.floats(0.1, 1), min_size=2, max_size=3))
def test_parts_have_their_shares(shares: list[float]):
    for part, share in zip(parts(300, shares), shares, strict=True):
        assert len(part) == pytest.approx(300 * share / sum(shares), abs=2)


def test_the_split_of_hinas_has_two_percent_to_validate_and_halves_of_the_rest():
    assert [len(part) for part in parts(300, (0.02, 0.49, 0.49))] == [6, 147, 147]


def test_a_part_with_no_share_has_no_picture():
    assert [len(part) for part in parts(10, (0.0, 0.5, 0.5))] == [0, 5, 5]
    assert [len(part) for part in parts(2, (0.0, 0.5, 0.5))] == [0, 1, 1]


def test_small_share_has_at_least_one_picture():
    assert [len(part) for part in parts(3, (0.02, 0.49, 0.49))] == [1, 1, 1]


def test_the_seed_decides_which_pictures_a_part_has():
    shares = (0.5, 0.5)
    assert parts(40, shares, 1) == parts(40, shares, 1)
    assert len({tuple(parts(40, shares, seed)[0]) for seed in range(10)}) == 10


def test_fewer_pictures_than_parts_are_refused_in_one_line():
    with pytest.raises(SettingsError, match=r"2 pictures .* 3 parts .*task\.images") as refused:
        divided(pictures(2), (0.1, 0.4, 0.5), 0)
    assert "\n" not in str(refused.value)
