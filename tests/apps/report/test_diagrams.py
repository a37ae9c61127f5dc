"""Every space's architectures are drawn as what they are."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasir.apps.report.diagrams import diagram
from nasir.core.architecture import Architecture
from nasir.core.diagram import Arrow, Box, Drawing, Key, Text, level_curve
from nasir.core.domain import Decision, Domain
from nasir.core.registry import Entry, registries
from nasir.core.search_space import SearchSpace
from nasir.search_spaces.clearer.diagram import FUSION, PARALLEL
from nasir.search_spaces.nasdip.diagram import FALLING, RISING, SAME
from nasir.settings import building

CASES = [
    ("nasdip", {}),
    ("nasdip", {"connections": "full", "depth": 3}),
    ("nasdip", {"connections": "none"}),
    ("hinas", {}),
    ("hinas", {"layer_wise": False}),
    ("hinas", {"widths": [2.0]}),
    ("irnas", {}),
    ("irnas", {"layers": 1, "nodes": 1}),
    ("irnas", {"layers": 2, "widths": [1.0, 4.0]}),
    ("clearer", {}),
    ("clearer", {"cells": 2, "columns": [1, 3]}),
    ("clearer", {"cells": 1, "columns": [1]}),
]
SPACES = ("nasdip", "hinas", "irnas", "clearer")


def space_of(name, fields):
    space = building.make("space", {"name": name, **fields})
    return space, {"name": name} | building.settings_of_component(space)


@pytest.mark.parametrize(("name", "fields"), CASES)
def test_any_architecture_of_a_space_is_drawn_as_sound_svg(name, fields):
    space, tree = space_of(name, fields)
    architectures = [space.domain.sample(np.random.default_rng(seed)) for seed in range(3)]
    for architecture in [*architectures, *space.reference().values()]:
        made = diagram(architecture, tree)
        pictures = re.findall(r"<svg.*?</svg>", made, re.DOTALL)
        assert pictures
        for picture in pictures:
            ElementTree.fromstring(picture)


def count(made: str, kind: str, colour: int) -> int:
    """How many shapes of a kind have a colour."""
    return len(re.findall(rf'class="{kind} series{colour}["\s]', made))


def test_nasdip_has_a_wire_for_each_connection():
    space, tree = space_of("nasdip", {"depth": 5})
    # differences 0, 1, -2 of five levels: 5 + 4 + 3 (NAS-DIP's inpainting architecture)
    made = diagram(space.reference()["nasdip_inpainting"], tree)
    assert [count(made, "wire", colour) for colour in (SAME, RISING, FALLING)] == [5, 4, 3]
    assert "encoder 5" in made
    assert "decoder 5" in made
    assert "encoder 6" not in made


def test_nasdip_cell_has_its_steps_in_their_order():
    space, tree = space_of("nasdip", {})
    named = space.reference()
    made = diagram(named["sub_pixel_convolution"], tree)
    assert made.index(">conv 3 \u00d7 3, dilation 1<") < made.index(">sub pixel<")
    made = diagram(named["bilinear_additive"], tree)
    assert made.index(">bilinear<") < made.index(">split stack sum 3 \u00d7 3, dilation 1<")


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_cell_shows_each_input_of_each_node(seed):
    space, tree = space_of("hinas", {"layers": 2})
    architecture = space.domain.sample(np.random.default_rng(seed))
    made = diagram(architecture, tree)
    for cell in space.genotype(architecture).cells:
        for n, node in enumerate(cell.nodes):
            for source, operation in node:
                state = ("two back", "one back")[source] if source < 2 else f"node {source - 2}"
                assert f"<title>{state} \u2192 {operation} \u2192 node {n}</title>" in made
    # two for each node of the two layers
    titles = re.findall(r"<title>[^<]* \u2192 node \d+</title>", made)
    assert len(titles) == 2 * tree["nodes"] * 2


def test_layers_have_the_widths_of_their_factors():
    space, tree = space_of("hinas", {"layers": 3, "width": 10})
    made = diagram(space.reference()["all_conv"], tree)
    factors = [space.reference()["all_conv"].choices[f"layer{n}.width"] for n in range(3)]
    for factor in factors:
        assert f"4 \u00d7 {round(10 * factor)} channels" in made


def test_clearer_has_a_block_a_scale_for_each_module():
    space, tree = space_of("clearer", {"cells": 2, "columns": [2]})
    made = diagram(space.reference()["alternating"], tree)
    # cell 1 has 2 scales, cell 2 has 3; one parallel and one fusion module each, a last fusion
    assert count(made, "box block", PARALLEL) == 2 + 3
    assert count(made, "box block", FUSION) == 2 + 3 + 1
    assert count(made, "wire", PARALLEL) == 2 + 3
    assert count(made, "wire", FUSION) == 2 * 2 + 3 * 3 + 3


@attrs.define
class Strange(SearchSpace):
    """A stranger's space, which draws what it is given."""

    drawings: ClassVar[Sequence[Drawing] | Exception] = ()

    @property
    def domain(self) -> Domain:
        return Domain("strange", [Decision("body.kernel", (1, 3))])

    def build(self, architecture, signature):
        raise AssertionError("nothing is built to be drawn")

    def diagram(self, architecture: Architecture) -> Sequence[Drawing]:
        if isinstance(self.drawings, Exception):
            raise self.drawings
        return self.drawings


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    registries["space"].register(Entry("strange", Strange, "", "the-tests"))

    def drawn(drawings: Sequence[Drawing] | Exception) -> str:
        monkeypatch.setattr(Strange, "drawings", drawings)
        return diagram(Architecture("strange", {"body.kernel": 3}), {"name": "strange"})

    yield drawn
    registries["space"].forget("the-tests")


def test_a_plugin_draws_its_space_and_hostile_words_are_escaped(stranger: Callable[..., str]):
    words = "<script>&\x07"
    shapes = [Box(0, 0, 9, 9, words, words, colour=7), Text(1, 2, words, upwards=True)]
    wires = [level_curve((0, 0), (9, 9), title=words), Arrow((9, 9), 1)]
    made = stranger([Drawing(words, 20, 10, words, [*shapes, *wires], [Key(words, 3)])])
    assert made.count("&lt;script&gt;&amp;\ufffd") == 7
    assert "<script>" not in made
    (picture,) = re.findall(r"<svg.*?</svg>", made, re.DOTALL)
    assert len(list(ElementTree.fromstring(picture))) == len([*shapes, *wires])


@pytest.mark.parametrize("drawings", [(), ValueError("no"), [None], "no drawing"])
def test_choices_are_listed_where_a_space_draws_nothing(stranger: Callable[..., str], drawings):
    made = stranger(drawings)
    assert "svg" not in made
    assert "<dt>kernel</dt><dd>3</dd>" in made


def test_choices_are_listed_where_the_space_is_not_here():
    made = diagram(Architecture("gone", {"body.kernel": 3}), {"name": "gone"})
    assert "<dt>kernel</dt><dd>3</dd>" in made


def test_a_colour_outside_the_palette_is_refused():
    with pytest.raises(ValueError, match="colour 8: wants 0 to 7"):
        Arrow((0, 0), 8)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("settings", [{"depth": 10**12, "cells": 10**12}, {"depth": "x"}])
def test_settings_that_no_space_can_have_end_in_a_list(name, settings):
    choices = {"network": "deep_image_prior"}
    made = diagram(Architecture(name, choices), {"name": name, **settings})
    assert "<dt>network</dt>" in made
