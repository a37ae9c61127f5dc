"""From settings to components and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
import tomli
import tomli_w
from attrs import validators as must
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import nasir
from nasir.core.component import setting, settings_of
from nasir.core.errors import SettingsError, UnknownNameError
from nasir.core.registry import registries
from nasir.settings import building
from nasir.settings.experiment import experiment


@attrs.define
class Everything:
    """A component with a setting of each kind."""

    count: int = setting(1, "", must.ge(1))
    rate: float = setting(0.5, "", [must.gt(0), must.lt(1e6)])
    fast: bool = setting(False, "")
    kind: str = setting("a", "", must.in_(("a", "b")))
    limit: float | None = setting(None, "", must.optional(must.gt(0)))
    label: str | None = setting("fresh", "")
    sizes: tuple[int, ...] = setting((1, 3), "")
    betas: tuple[float, float] = setting((0.0, 0.9), "", must.min_len(2))
    names: list[str] = setting((), "", converter=list)
    options: tuple[str | int | float | bool, ...] = setting(("x", 1), "")
    mode: Literal["slow", "quick"] = setting("slow", "")
    _state: Any = attrs.field(init=False, default=None)


def make(**fields: Any) -> Everything:
    return building.structure(Everything, fields, "space")


def test_defaults_are_what_is_not_given():
    assert make() == Everything()


def test_each_kind_of_setting_is_made():
    made = make(
        count=2,
        rate=1,
        fast=True,
        kind="b",
        limit=2,
        sizes=[5],
        betas=[0.5, 1],
        names=["n"],
        options=[True, 1.0, 1],
        mode="quick",
    )
    assert made.count == 2
    assert (made.rate, type(made.rate)) == (1.0, float)
    assert made.fast is True
    assert (made.limit, type(made.limit)) == (2.0, float)
    assert (made.sizes, made.betas, made.names) == ((5,), (0.5, 1.0), ["n"])
    assert [type(option) for option in made.options] == [bool, float, int]
    assert made.mode == "quick"


def test_a_single_value_is_a_list_of_one():
    assert make(sizes=5).sizes == (5,)


def test_the_word_none_is_no_value():
    assert make(limit="none").limit is None
    assert make(label="none").label is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", 1.0),
        ("count", True),
        ("count", "1"),
        ("count", [1]),
        ("count", {}),
        ("count", 0),
        ("rate", "fast"),
        ("rate", True),
        ("rate", 0),
        ("rate", float("nan")),
        ("rate", 10**400),
        ("fast", 1),
        ("fast", "true"),
        ("kind", "c"),
        ("kind", 1),
        ("limit", -1),
        ("limit", "never"),
        ("sizes", ["a"]),
        ("sizes", [1, 2.5]),
        ("sizes", {"a": 1}),
        ("betas", 0.5),
        ("names", [[1]]),
        ("options", [[1]]),
        ("mode", "medium"),
        ("mode", ["slow"]),
    ],
)
def test_a_wrong_value_is_refused_with_the_key_and_the_value(field: str, value: object):
    with pytest.raises(SettingsError) as caught:
        make(**{field: value})
    message = str(caught.value)
    assert "\n" not in message
    assert field in message
    assert message.startswith("space")


def test_an_unknown_field_is_refused_with_the_nearest_and_the_list():
    with pytest.raises(UnknownNameError, match=r"'space\.cuont'.*did you mean 'space\.count'\?"):
        make(cuont=2)
    with pytest.raises(UnknownNameError, match=r"known: space\.betas, space\.count, "):
        make(xyz=2)
    with pytest.raises(UnknownNameError, match="_state"):
        make(_state=3)
    with pytest.raises(UnknownNameError, match="state"):
        make(state=3)


@pytest.mark.parametrize("given_name", ["toy", {"name": "toy"}, {"name": "toy", "kernels": [3]}])
def test_a_component_is_made_from_its_name(given_name: Any):
    assert type(building.make("space", given_name)).__name__ == "ToySpace"


@pytest.mark.parametrize("nameless", [{}, {"depth": 4}, {"name": 3}, {"name": None}])
def test_a_component_without_a_name_is_refused_with_the_names(nameless: dict):
    with pytest.raises(SettingsError, match=r"space wants a name: .*toy"):
        building.make("space", nameless)


def test_an_unknown_component_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown strategy 'rll': did you mean 'rl'"):
        building.make("strategy", "rll")


fields = st.fixed_dictionaries(
    {},
    optional={
        "count": st.integers(1, 2**63 - 1),
        "rate": st.floats(1e-300, 1e5),
        "fast": st.booleans(),
        "kind": st.sampled_from("ab"),
        "limit": st.none() | st.floats(1e-300, 1e300) | st.just(float("inf")),
        "label": st.none() | st.text(st.characters(blacklist_categories=("Cs",))),
        "sizes": st.lists(st.integers(-(2**62), 2**62)).map(tuple),
        "betas": st.tuples(st.floats(0, 1), st.floats(0, 1)),
        "names": st.lists(st.text(st.characters(blacklist_categories=("Cs",)))),
        "options": st.lists(st.integers(-9, 9) | st.booleans() | st.floats(0, 1)).map(tuple),
        "mode": st.sampled_from(["slow", "quick"]),
    },
)


@given(fields)
def test_settings_written_as_toml_make_the_same_component(given_fields: dict):
    component = Everything(**given_fields)
    if component.label == "none":
        return  # the word for no label
    written = tomli_w.dumps(building.settings_of_component(component))
    again = building.structure(Everything, tomli.loads(written))
    assert again == component
    assert [type(option) for option in again.options] == [type(o) for o in component.options]


def test_no_value_for_a_setting_that_has_one_by_default_is_written_back():
    component = Everything(label=None)
    assert building.structure(Everything, building.settings_of_component(component)).label is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sizes", True),
        ("betas", True),
        ("names", True),
        ("options", True),
        ("count", False),
        ("kind", False),
        ("limit", False),
        ("mode", False),
    ],
)
def test_settings_that_are_lists_are_known_to_be(name: str, expected: bool):
    types = {field.name: field.type for field in settings_of(Everything)}
    assert building.is_list_type(types[name]) is expected


def test_the_resolved_settings_make_the_same_experiment(tmp_path):
    given_tree = {
        "seed": 3,
        "trials": 2,
        "seconds": 4,
        "references": [],
        "space": {"name": "toy", "kernels": [1, 7]},
        "strategy": {"name": "rl", "lr": 0.1},
        "task": {"name": "toy"},
        "evaluator": {"name": "toy"},
    }
    tree = experiment(given_tree).resolved
    again = experiment(tomli.loads(tomli_w.dumps(tree))).resolved
    assert again == tree
    assert tree["space"]["kernels"] == [1, 7]
    assert tree["strategy"]["lr"] == 0.1
    assert tree["executor"] == {"name": "inline"}
    assert tree["threads"] >= 1


def test_every_setting_of_every_component_survives_toml():
    for kind in ("space", "strategy", "task", "evaluator", "executor"):
        for name in registries[kind]:
            component = building.make(kind, name)
            written = tomli_w.dumps(building.settings_of_component(component))
            again = building.make(kind, {"name": name, **tomli.loads(written)})
            assert building.settings_of_component(again) == building.settings_of_component(
                component
            )


@attrs.frozen
class Other:
    """Of no kind that is wanted."""

    field: str = "x" * 1000


@pytest.mark.parametrize("kind", ["task", "method", "space"])
def test_what_is_no_component_is_refused_by_its_kind(kind: str, tmp_path: Path):
    """Its fields are not shown, and may be ours."""
    Image.new("L", (20, 20)).save(tmp_path / "a.png")
    with pytest.raises(
        SettingsError, match=rf"{kind} wants a name, a mapping or .*, got an Other$"
    ):
        nasir.restore(tmp_path / "a.png", **{kind: Other()})


def test_a_value_in_a_message_is_short():
    with pytest.raises(SettingsError) as refused:
        building.make("space", "nasdip", depth="9" * 10_000)
    assert len(str(refused.value)) < 300


HALF = """
import attrs
from nasir.core.strategy import Strategy
@attrs.define
class Half(Strategy):
    def ask(self): ...
    def tell(self, trial): ...
"""


def test_what_a_component_lacks_is_named(tmp_path: Path, monkeypatch):
    (tmp_path / "half.py").write_text(HALF)
    monkeypatch.syspath_prepend(tmp_path)
    lacks = "strategy half:Half lacks bind, load_state_dict, state_dict: define them"
    with pytest.raises(SettingsError, match=lacks):
        building.make("strategy", "half:Half")
