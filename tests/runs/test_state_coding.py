"""A strategy's state as bytes and back, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nasir.runs.state_coding import decode, encode

dtypes = st.sampled_from(
    ["bool", "int8", "uint8", "int16", "int32", "int64", "uint64", "float16", "float32", "float64"]
)
arrays = npst.arrays(dtypes, npst.array_shapes(min_dims=0, min_side=0, max_side=4))
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
states = st.dictionaries(
    st.text(),
    st.recursive(
        plain | arrays,
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def equal(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return (
            isinstance(a, np.ndarray)
            and isinstance(b, np.ndarray)
            and (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        )
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and a == b


@given(states)
@settings(max_examples=100, deadline=None)
def test_a_state_comes_back_to_the_bit(state: dict):
    assert equal(decode(*encode(state)), state)


def test_an_array_of_no_dimension_comes_back_as_one():
    """Adam's step counts are such arrays."""
    again = decode(*encode({"step": np.array(3.0, dtype=np.float32)}))["step"]
    assert again.shape == ()
    assert again == 3.0


def test_keys_with_slashes_do_not_mix_arrays_up():
    state = {"a/b": np.zeros(2), "a": {"b": np.ones(2)}}
    assert equal(decode(*encode(state)), state)


def test_not_a_number_and_infinity_come_back():
    state = {"numbers": [float("inf"), float("-inf"), -0.0], "array": np.array([np.nan, -0.0])}
    assert equal(decode(*encode(state)), state)


def test_any_layout_of_memory_is_kept_in_value():
    fortran = np.asfortranarray(np.arange(6).reshape(2, 3))
    strided = np.arange(10)[::3]
    again = decode(*encode({"fortran": fortran, "strided": strided}))
    assert np.array_equal(again["fortran"], fortran)
    assert np.array_equal(again["strided"], strided)


def test_a_restored_array_can_be_written_to():
    again = decode(*encode({"array": np.zeros(3)}))["array"]
    again[0] = 1
    assert again[0] == 1


def test_tuples_come_back_as_lists():
    assert decode(*encode({"pair": (1, "a")})) == {"pair": [1, "a"]}


@pytest.mark.parametrize("content", [b"[]", b"3", b"null", b"", b"{"])
def test_other_json_is_refused_as_state(content: bytes):
    with pytest.raises(ValueError, match=r"."):
        decode(content, {})
