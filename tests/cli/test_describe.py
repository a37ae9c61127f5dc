"""``nasir describe``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from attrs import validators as must

from nasir.apps.describe import _setting
from nasir.cli.main import main
from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Evaluation, Evaluator
from nasir.core.registry import KINDS, Entry, registries
from nasir.core.search_space import SearchSpace

OWNER = "the-tests"


@attrs.define
class Ladder(SearchSpace):
    """A ladder of rungs (section 2).

    Its `rungs` are :class:`~somewhere.else.Rung`.
    It stands on ``ground``.
    """

    rungs: int = setting(3, "how many", [must.ge(1), must.le(9)])
    wood: str = setting("oak", "what it is made of", must.in_(("oak", "ash")))
    slack: float | None = setting(None, "metres; none: taut", must.optional(must.gt(0)))
    widths: tuple[int, ...] = setting((1, 2), "of the rungs")

    baseline = "plain"

    @property
    def domain(self) -> Domain:
        return Domain(
            "ladder",
            [
                Decision("shape", ("round", "flat")),
                Decision("rung", range(self.rungs), {"shape": ("round",)}),
                Decision("painted", (False, True)),
            ],
            forbidden={"shape": ("flat",), "painted": (True,)},
        )

    def build(self, architecture, signature):
        raise AssertionError("nothing is built to be described")

    def reference(self):
        return {"plain": Architecture("ladder", {}), "bent": Architecture("ladder", {})}


@attrs.define
class Picky(Evaluator):
    """An evaluator with a setting that has no default."""

    size: int = attrs.field(metadata={"meaning": "in pixels"})
    words: list[str] = attrs.field(factory=list, metadata={"meaning": "free"})

    def evaluate(self, proposal: Any, problem: Any, seed: int) -> Evaluation:
        raise NotImplementedError


class Bare:
    """First.

    Args:
        nothing: of use.
    """


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    registries["space"].register(Entry("ladder", Ladder, "climbs", OWNER))
    registries["evaluator"].register(Entry("picky", Picky, "wants a size", OWNER))
    registries["operation"].register(Entry("rung.bare", Bare, "a bare rung", OWNER))
    yield
    for registry in registries.values():
        registry.forget(OWNER)


@pytest.fixture
def described(capsys: pytest.CaptureFixture[str]):
    def describe(*words: str) -> dict:
        assert main(["describe", *words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return describe


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]):
    def describe(*words: str) -> str:
        assert main(["describe", *words]) == 0
        return capsys.readouterr().out

    return describe


def test_each_setting_has_type_default_meaning_and_what_is_allowed(described):
    rungs, wood, slack, widths = described("space=ladder")["settings"]
    assert rungs == {
        "key": "space.rungs",
        "type": "integer",
        "meaning": "how many",
        "allowed": ">= 1, <= 9",
        "default": 3,
        "value": 3,
    }
    assert wood["allowed"] == ["oak", "ash"]
    assert (slack["type"], slack["allowed"], slack["default"]) == ("number or none", "> 0", None)
    assert (widths["type"], widths["allowed"]) == ("list of integers", None)


def test_settings_are_printed_as_they_are_typed(printed):
    out = printed("space=ladder")
    assert "  space.rungs=3  (integer, >= 1, <= 9)\n      how many\n" in out
    assert "  space.wood=oak  (oak | ash)\n" in out
    assert "  space.slack=none  (number or none, > 0)\n" in out
    assert "  space.widths=1,2  (list of integers)\n" in out


def test_the_docstring_is_printed_without_roles_and_arguments(printed):
    assert "Its `rungs` are Rung. It stands on `ground`.\n" in printed("space=ladder")
    out = printed("operation=rung.bare")
    assert out == "operation=rung.bare: a bare rung (plugin the-tests)\n\nFirst.\n"


def test_a_space_has_its_decisions_their_conditions_and_its_size(described, printed):
    content = described("space=ladder")
    # round: 3 rungs, painted or not; flat: not painted
    assert content["architectures"] == 3 * 2 + 1
    assert content["decisions"][1] == {
        "name": "rung",
        "options": [0, 1, 2],
        "active_if": [{"shape": ["round"]}],
    }
    assert content["forbidden"] == [{"shape": ["flat"], "painted": [True]}]
    out = printed("space=ladder")
    assert "decisions (7 architectures)\n  shape: round | flat\n  rung: 0 | 1 | 2\n" in out
    assert "      if shape is round\n" in out
    assert "  never: shape is flat and painted is true\n" in out
    assert "  plain (the baseline)\n  bent\n" in out


def test_a_name_alone_is_found_if_one_kind_has_it(capsys):
    assert main(["describe", "nasdip"]) == main(["describe", "space=nasdip"]) == 0
    out = capsys.readouterr().out
    assert out[: len(out) // 2] == out[len(out) // 2 :]
    assert main(["describe", "nasdop"]) == 2


def test_words_set_fields_first(described, printed):
    words = ("space=ladder", "space.rungs=5", "space.widths=3,4")
    content = described(*words)
    assert content["architectures"] == 5 * 2 + 1
    assert content["settings"][3]["value"] == [3, 4]
    out = printed(*words)
    assert "space.rungs=5  (integer, >= 1, <= 9, default 3)" in out
    assert "space.widths=3,4  (list of integers, default 1,2)" in out


def test_a_setting_without_default_is_marked_as_required(printed, described):
    assert "evaluator.size=VALUE  (integer, must be given)" in printed("evaluator=picky")
    size, words = described("evaluator=picky", "evaluator.size=3")["settings"]
    assert (size["value"], size["required"]) == (3, True)
    assert (words["value"], "default" in words) == ([], False)


def test_a_nested_strategy_is_printed_as_it_is_typed(described, printed):
    words = ("strategy=screen", "strategy.inner=random+local_search")
    (line,) = [" ".join(t.split()) for t in re.findall(r"strategy\.inner=[^(]*", printed(*words))]
    typed = described("strategy=screen", line.strip())["settings"][0]["value"]
    assert typed == described(*words)["settings"][0]["value"]
    assert [part["name"] for part in typed["parts"]] == ["random", "local_search"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "command"])
def test_everything_registered_can_be_described(kind: str, described, printed):
    for name in registries[kind]:
        content = described(f"{kind}={name}")
        assert (content["kind"], content["name"]) == (kind, name)
        assert printed(f"{kind}={name}").startswith(f"{kind}={name}: ")


def test_run_describes_the_settings_of_a_run(described):
    content = described("run", "seed=3")
    values = {row["key"]: row["value"] for row in content["settings"]}
    assert values["seed"] == 3
    assert values["folder"] == "runs"
    assert content["components"]["space"] == "nasdip"


@pytest.mark.parametrize(
    ("command", "key", "components"),
    [
        ("train", "validation", {"space": "nasdip", "task": "denoise", "evaluator": "train"}),
        ("restore", "tile", {"strategy": "isnas", "evaluator": "dip"}),
        ("evaluate", "architecture", {"task": "denoise", "evaluator": "dip"}),
        ("score", "pool", {"evaluator": "proxy"}),
        ("bench", "seeds", {}),
    ],
)
def test_commands_describe_their_settings_and_usual_components(
    described, command: str, key: str, components: dict
):
    content = described(command)
    assert key in [row["key"] for row in content["settings"]]
    assert components.items() <= content["components"].items()


def test_nothing_has_more_than_a_hundred_columns_in_a_pipe(printed):
    assert max(map(len, printed("space=nasdip").splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["spacse=ladder"], "did you mean 'space'?"),
        (["space=laddre"], "did you mean 'ladder'?"),
        (["space"], "see: nasir list space"),
        (["space.rungs=4"], "nasir describe space=NAME space.rungs=4"),
        (["space=ladder", "space.rugns=4"], "did you mean 'space.rungs'?"),
        (["space=ladder", "space.rungs=10"], "space"),
        (["space=ladder", "space.rungs=1,2"], "give each setting one value"),
        (["space=ladder", "strategy=rl"], "strategy does not belong to space"),
        (["run", "sede=3"], "did you mean 'seed'?"),
        (["operation=rung.bear"], "did you mean 'rung.bare'?"),
    ],
)
def test_a_wrong_word_is_refused(words: list[str], said: str, capsys):
    assert main(["describe", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_settings_of_the_noise_of_a_task_are_described_under_its_name(capsys):
    assert main(["describe", "task=denoise", "task.noise=poisson", "task.peak=9", "--json"]) == 0
    rows = {row["key"]: row for row in json.loads(capsys.readouterr().out)["settings"]}
    assert rows["task.noise"]["value"] == "poisson"
    assert rows["task.noise"]["default"] == "gaussian"
    assert rows["task.noise.peak"]["value"] == 9
    assert "task.noise.sigma" not in rows


def test_a_setting_without_annotation_has_the_type_of_its_default():
    """A plugin may leave annotations out; "None" would be no type."""
    made = attrs.make_class(
        "Plain", {"width": setting(8, "pixels", must.gt(0)), "any": setting(None, "what")}
    )
    width, anything = (_setting(field, "", None) for field in attrs.fields(made))
    assert (width["type"], anything["type"]) == ("integer", "any value")


def test_a_name_that_nothing_has_is_refused_with_the_nearest(capsys):
    assert main(["describe", "nasdop"]) == 2
    said = capsys.readouterr().err
    assert (
        said == "nasir: nothing is called 'nasdop': did you mean 'nasdip'? see all names with: "
        "nasir list\n"
    )


def test_an_expression_is_described_by_its_parts(capsys: pytest.CaptureFixture[str]):
    assert main(["describe", "strategy=random+rl"]) == 2
    assert "describe each, strategy=random and strategy=rl" in capsys.readouterr().err
