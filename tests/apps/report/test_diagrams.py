"""Every space's architectures are drawn as what they are."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasir.apps.report.diagrams.draw import drawn
from nasir.core.architecture import Architecture
from nasir.settings import building

CASES = [
    ("nasdip", {}),
    ("nasdip", {"connections": "full", "depth": 3}),
    ("nasdip", {"connections": "none"}),
    ("hinas", {}),
    ("hinas", {"layer_wise": False}),
    ("hinas", {"widths": [2.0], "end": "supernet"}),
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
        made = drawn(architecture, tree)
        pictures = re.findall(r"<svg.*?</svg>", made, re.DOTALL)
        assert pictures
        for picture in pictures:
            ElementTree.fromstring(picture)


def wires(made: str, look: str) -> int:
    return len(re.findall(rf'class="wire {look}"', made))


def test_nasdip_has_a_wire_for_each_connection():
    space, tree = space_of("nasdip", {"depth": 5})
    # differences 0, 1, -2 of five levels: 5 + 4 + 3 (NAS-DIP's inpainting architecture)
    made = drawn(space.reference()["nasdip_inpainting"], tree)
    assert [wires(made, look) for look in ("same", "rising", "falling")] == [5, 4, 3]
    assert "encoder 5" in made
    assert "decoder 5" in made
    assert "encoder 6" not in made


def test_nasdip_cell_has_its_steps_in_their_order():
    space, tree = space_of("nasdip", {})
    named = space.reference()
    made = drawn(named["sub_pixel_convolution"], tree)
    assert made.index(">conv 3 \u00d7 3, dilation 1<") < made.index(">sub pixel<")
    made = drawn(named["bilinear_additive"], tree)
    assert made.index(">bilinear<") < made.index(">split stack sum 3 \u00d7 3, dilation 1<")


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_cell_shows_each_input_of_each_node(seed):
    space, tree = space_of("hinas", {"layers": 2})
    architecture = space.domain.sample(np.random.default_rng(seed))
    made = drawn(architecture, tree)
    for cell in space.genotype(architecture).cells:
        for n, node in enumerate(cell.nodes):
            for source, operation in node:
                state = ("two back", "one back")[source] if source < 2 else f"node {source - 2}"
                assert f"<title>{state} \u2192 {operation} \u2192 node {n}</title>" in made
    # two a node, and one from each node to the end, in each layer
    inputs = sum(wires(made, f"series{n}") for n in range(8))
    assert inputs == 2 * tree["nodes"] * 2


def test_layers_have_the_widths_of_their_factors():
    space, tree = space_of("hinas", {"layers": 3, "width": 10})
    made = drawn(space.reference()["all_conv"], tree)
    factors = [space.reference()["all_conv"].choices[f"layer{n}.width"] for n in range(3)]
    for factor in factors:
        assert f"4 \u00d7 {round(10 * factor)} channels" in made


def test_clearer_has_a_block_a_scale_for_each_module():
    space, tree = space_of("clearer", {"cells": 2, "columns": [2]})
    made = drawn(space.reference()["alternating"], tree)
    # cell 1 has 2 scales, cell 2 has 3; one parallel and one fusion module each, a last fusion
    assert len(re.findall(r'class="box parallel"', made)) == 2 + 3
    assert len(re.findall(r'class="box fusion"', made)) == 2 + 3 + 1
    assert wires(made, "parallel") == 2 + 3
    assert wires(made, "fusion") == 2 * 2 + 3 * 3 + 3


def test_a_strangers_architecture_is_listed():
    made = drawn(Architecture("strange", {"body.kernel": 3, "skip": True}), {})
    assert "svg" not in made
    assert "<dt>kernel</dt><dd>3</dd>" in made


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("settings", [{}, {"depth": 10**12, "cells": 10**12}, {"depth": "x"}])
def test_what_cannot_be_drawn_is_listed(name, settings):
    made = drawn(Architecture(name, {"network": "deep_image_prior"}), settings)
    assert "<dt>network</dt>" in made
