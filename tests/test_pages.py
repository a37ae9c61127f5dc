"""What pages say in tables and figures is so: names, defaults, sizes, and the shipped table."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

import nasir.testing
from nasir.core.cost import number_of_parameters
from nasir.core.registry import registries
from nasir.networks.network import find_network
from nasir.plugins import hookspecs
from nasir.runs.table import INCLUDED, Column, included, load_table
from nasir.settings.building import make

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"

TRAINED = {"derain", "real_denoise"}
"""Tasks that are named below the table of tasks: they are for trained networks."""


def page(name: str) -> str:
    return (DOCS / name).read_text()


def rows(name: str, head: str) -> list[list[str]]:
    """The cells of the table of a page whose head begins with `head`, without the head."""
    text = page(name)
    table = text[text.index(f"\n| {head}") + 1 :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("row", rows("architecture.md", "interface"), ids=lambda row: row[0])
def test_an_interface_is_in_the_module_that_is_named(row: list[str]):
    (interface,), (path,) = quoted(row[0]), quoted(row[1])
    module = importlib.import_module("nasir." + path.removesuffix(".py").replace("/", "."))
    assert getattr(module, interface).__module__ == module.__name__


def test_places_for_changes_are_there():
    text = "".join("".join(row[1:]) for row in rows("architecture.md", "a change"))
    places = [place for place in quoted(text) if "/" in place and "PAPER" not in place]
    assert len(places) > 15
    assert [place for place in places if not (ROOT / "nasir" / place).exists()] == []


@pytest.mark.parametrize("row", rows("plugins.md", "to add"), ids=lambda row: row[0])
def test_a_component_of_a_plugin_must_have_what_the_page_says(row: list[str]):
    named = quoted(row[1])
    if not named or named[0] == "nasir export":  # a trained network is a file
        return
    module, _, last = named[0].rpartition(".")
    for name in (last, *named[1:]):
        component = getattr(importlib.import_module(module), name)
        wanted = [one for one in quoted(row[2]) if hasattr(component, one)]
        assert wanted
        assert set(getattr(component, "__abstractmethods__", ())) <= {*wanted}


def test_the_page_of_plugins_has_every_hook_with_its_arguments():
    table = "".join(row[0] for row in rows("plugins.md", "hook"))
    named = {one.partition("(")[0]: one.partition("(")[2] for one in quoted(table)}
    hooks = {name: hook for name, hook in vars(hookspecs).items() if hasattr(hook, "nasir_spec")}
    assert set(named) == set(hooks)
    for name, arguments in named.items():
        if arguments:
            given = arguments.removesuffix(")").split(", ")
            assert given == list(inspect.signature(hooks[name]).parameters)


def test_the_page_of_plugins_has_every_contract():
    named = set(re.findall(r"`(\w+Contract)`", page("plugins.md")))
    assert named == {name for name in nasir.testing.__all__ if name.endswith("Contract")}


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("strategies.md", "strategy | what", "strategy"),
        ("restoring.md", "task | the degraded", "task"),
        ("networks.md", "network | restores", "network"),
    ],
)
def test_a_table_has_every_component(name: str, head: str, kind: str):
    ours = {n for n, entry in registries[kind].items() if entry.owner.startswith("nasir-")}
    named = {word for row in rows(name, head) for word in quoted(row[0])}
    below = TRAINED if kind == "task" else set()
    assert named == ours - below
    assert all(f"`{one}`" in page(name) for one in below)


@pytest.mark.parametrize(
    ("kind", "name", "field", "value"),
    [
        ("task", "denoise", "size", 64),
        ("task", "denoise", "search", 2),
        ("evaluator", "dip", "rise", 0.5),
        ("strategy", "zero_cost", "pool", 200),
    ],
)
def test_a_default_is_the_one_that_pages_name(kind: str, name: str, field: str, value: object):
    assert getattr(make(kind, name), field) == value


def test_trained_networks_have_the_sizes_of_their_page():
    for row in rows("networks.md", "network | restores"):
        low, *rest = re.findall(r"\d+", row[3])
        (size,) = re.findall(r"[\d.]+", row[4])
        for name in quoted(row[0]):
            thousand = number_of_parameters(find_network(name).load()) / 1000
            assert int(low) - 0.5 <= thousand <= int((rest or [low])[0]) + 0.5
            mebibytes = Path(registries["network"][name].target).stat().st_size / 2**20
            assert round(mebibytes, 1) == float(size)


def test_nasdip_has_965_cells():
    """The patterns of connections are 2 to the power of twice the depth less one."""
    assert "Exactly the 965 valid\ncells" in page("supernets.md")
    for depth in (2, 3):
        assert make("space", "nasdip", depth=depth).domain.size == 965 * 4 ** (depth - 1)


@pytest.mark.parametrize(
    ("task", "least", "greatest", "median", "deviation", "tau"),
    [("denoise", 22.9, 28.6, 27.6, 0.25, 0.62), ("inpaint", 24.3, 29.3, 28.0, 0.31, 0.65)],
)
def test_dipbench_has_the_figures_of_its_page(
    task: str, least: float, greatest: float, median: float, deviation: float, tau: float
):
    text = " ".join(page("benchmark.md").split())
    assert f"{least} to {greatest}" in text
    assert f"median {median}" in text
    assert "0.8 MiB" in text
    assert round(included(INCLUDED).stat().st_size / 2**20, 1) == 0.8
    records = load_table(INCLUDED).tasks[task]
    place = records.columns.index(Column("psnr"))
    first, second = (records.repeats[turn][:, place] for turn in (0, 1))
    twice = np.isfinite(second)
    assert (len(first), twice.sum()) == (640, 104)
    assert first.min() == pytest.approx(least, abs=0.05)
    assert first.max() == pytest.approx(greatest, abs=0.05)
    assert np.median(first) == pytest.approx(median, abs=0.05)
    assert (first - second)[twice].std() / 2**0.5 == pytest.approx(deviation, abs=0.005)
    assert kendalltau(first[twice], second[twice])[0] == pytest.approx(tau, abs=0.005)
