"""The tabular benchmark that comes with nasir."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nasir
from nasir.apps.search import search as api
from nasir.core.registry import registries
from nasir.plugins.manager import BUILTIN
from nasir.runs.table import INCLUDED, Column, Records, Table, included, load_table

TASKS = ("denoise", "inpaint")
LARGE = "dipbench-large"
PICTURES = ("astronaut", "chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def table() -> Table:
    return load_table(INCLUDED)


def column(records: Records, turn: int, *fields: str | float) -> np.ndarray:
    return records.repeats[turn][:, records.columns.index(Column(*fields))]


def test_it_is_small_enough_to_come_with_the_package():
    assert included(INCLUDED).stat().st_size < 10 * 2**20


def test_every_architecture_of_the_recipes_space_is_in_it(table: Table):
    (planned,) = api.plan([INCLUDED], {})
    assert set(table.rows) == {architecture.id for architecture in planned.problem.domain}
    assert len(table.rows) >= 600


@pytest.mark.parametrize("task", TASKS)
def test_each_fit_has_a_curve_of_ten_points_on_each_picture(table: Table, task: str):
    records = table.tasks[task]
    for picture in PICTURES:
        curve = [column(records, 0, "psnr", picture, n / 10) for n in range(1, 11)]
        assert np.isfinite(curve).all()
    ends = [column(records, 0, "psnr", picture, 1.0) for picture in PICTURES]
    assert np.mean(ends, axis=0) == pytest.approx(column(records, 0, "psnr"), abs=1e-4)
    assert (column(records, 0, "fit_seconds") > 0).all()


@pytest.mark.parametrize("task", TASKS)
def test_a_hundred_architectures_were_fitted_twice_with_other_noise(table: Table, task: str):
    first, second = (column(table.tasks[task], turn, "psnr") for turn in (0, 1))
    twice = np.isfinite(second)
    assert twice.sum() >= 100
    assert (first[twice] != second[twice]).all()


@pytest.mark.parametrize("task", TASKS)
def test_every_proxy_that_comes_with_nasir_is_in_it(table: Table, task: str):
    records = table.tasks[task]
    ours = {f"nasir-{name}" for name in BUILTIN}
    wanted = {name for name, entry in registries["proxy"].items() if entry.owner in ours}
    assert wanted <= set(records.known_names)
    assert np.isfinite(records.known).all()


@pytest.mark.parametrize("task", TASKS)
def test_parameters_are_those_of_the_networks(table: Table, task: str):
    records = table.tasks[task]
    for row in range(0, len(table.architectures), 160):
        built = nasir.build(table.architectures[row], {**table.space}, 32, 1)
        counted = sum(weight.numel() for weight in built.parameters())
        assert column(records, 0, "parameters")[row] == counted


def test_the_table_says_what_the_fits_were(table: Table):
    for task in TASKS:
        settings = table.tasks[task].settings
        (planned,) = api.plan([f"dipbench-{task}"], {})
        for kind in ("task", "evaluator"):
            assert {**planned.resolved[kind], **settings[kind]} == planned.resolved[kind]


def test_the_large_recipe_is_the_same_table_at_a_larger_size():
    (small,), (large,) = (api.plan(["dipbench-inpaint", *more], {}) for more in ([], [LARGE]))
    changed = {
        (kind, name)
        for kind in ("space", "strategy", "task", "evaluator")
        for name, value in large.resolved[kind].items()
        if small.resolved[kind][name] != value
    }
    assert changed == {
        ("space", "width"),
        ("task", "size"),
        ("evaluator", "iterations"),
        ("evaluator", "curve"),
    }


def test_a_table_made_in_pieces_is_that_of_an_unbroken_run():
    tiny = ("task.size=16", "space.width=2", "space.depth=1", "task.search=1")
    fits = ("evaluator.iterations=4", "evaluator.curve=4")
    words = ("dipbench-denoise", LARGE, *tiny, *fits)
    whole = nasir.search(*words, trials=2, name="whole")
    nasir.search(*words, trials=1, name="pieces")
    found = [nasir.tabulate(run) for run in (whole, nasir.resume("pieces", trials=2))]
    ours, theirs = (one.tasks["denoise"] for one in found)
    assert ours.columns == theirs.columns
    timed = ours.columns.index(Column("fit_seconds"))
    values = [np.delete(one.repeats[0], timed, axis=1) for one in (ours, theirs)]
    assert np.array_equal(*values, equal_nan=True)
    assert sum(column.share is not None for column in ours.columns) == 4


def test_a_search_finds_the_best_of_the_table(table: Table):
    run = nasir.search(INCLUDED, "strategy=exhaustive", trials=len(table.rows))
    assert run.best.score == max(column(table.tasks["denoise"], 0, "psnr"))


def test_a_bench_without_space_searches_it():
    (outcome,) = nasir.bench("strategy=random", seeds=3, full=20, workers=1)
    assert outcome.measure == "PSNR (dB)"  # at the axis of its curves
    assert outcome.whole
    assert len(outcome.ranking) == 640
    (one,) = outcome.standings
    assert math.isclose(one.regret, outcome.ranking[0][0] - one.best)
