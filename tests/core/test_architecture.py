"""Architectures: their canonical form, identity and refusal of damage."""

from __future__ import annotations

import copy
import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasir.core.architecture import Architecture
from nasir.core.errors import ArchitectureError

values = st.one_of(
    st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
)
architectures = st.builds(Architecture, st.text(), st.dictionaries(st.text(), values))


def test_the_canonical_form_has_sorted_keys_and_no_spaces():
    architecture = Architecture("toy", {"b": 1, "a": "x y", "c": True, "d": 0.1})
    assert architecture.json == '{"choices":{"a":"x y","b":1,"c":true,"d":0.1},"space":"toy"}'


def test_the_id_is_ten_digits_of_the_hash_of_the_canonical_form():
    architecture = Architecture("toy", {"a": 1})
    digest = hashlib.sha256(b'{"choices":{"a":1},"space":"toy"}').hexdigest()
    assert architecture.id == digest[:10]


def test_order_of_choices_does_not_matter():
    first, second = Architecture("t", {"a": 1, "b": 2}), Architecture("t", {"b": 2, "a": 1})
    assert first == second
    assert hash(first) == hash(second)
    assert first.id == second.id


def test_options_1_and_true_and_1_point_0_are_different():
    three = [Architecture("t", {"a": value}) for value in (1, True, 1.0)]
    assert len(set(three)) == 3
    assert len({architecture.id for architecture in three}) == 3


def test_architectures_of_different_spaces_differ():
    assert Architecture("t", {"a": 1}) != Architecture("u", {"a": 1})
    assert Architecture("t", {}) != "t"


@given(architectures)
def test_json_is_read_back_to_the_same_architecture(architecture: Architecture):
    again = Architecture.from_json(architecture.json)
    assert again == architecture
    assert again.json == architecture.json
    types = [type(value) for value in again.choices.values()]
    assert types == [type(architecture.choices[name]) for name in again.choices]


@given(architectures)
def test_pickled_and_copied_architectures_are_equal(architecture: Architecture):
    assert pickle.loads(pickle.dumps(architecture)) == architecture
    assert copy.deepcopy(architecture) == architecture


def test_architecture_cannot_be_changed():
    choices = {"a": 1}
    architecture = Architecture("t", choices)
    choices["a"] = 2
    assert architecture.choices["a"] == 1
    with pytest.raises(TypeError):
        architecture.choices["a"] = 2
    with pytest.raises(AttributeError):
        architecture.space = "u"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "3",
        "[]",
        "{}",
        '{"space": "t"}',
        '{"space": 1, "choices": {}}',
        '{"space": "t", "choices": []}',
        '{"space": "t", "choices": {"a": null}}',
        '{"space": "t", "choices": {"a": [1]}}',
        '{"space": "t", "choices": {"a": {"b": 1}}}',
        "[" * 100_000,
    ],
)
def test_damaged_json_is_refused(text: str):
    with pytest.raises(ArchitectureError):
        Architecture.from_json(text)
