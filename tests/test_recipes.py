"""Recipes of searches by gradient: what is searched, trained and tested on, as the papers say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from data_sets import bsds, rain800, twins

from nasir.apps.search import search as api
from nasir.core.search_space import Signature
from nasir.core.trial import FULL
from nasir.plugins.builtin.recipes import FOLDER
from nasir.settings.experiment import Experiment
from nasir.strategies.darts.patches import divided_patches


def recipes(pattern: str) -> list[str]:
    found = sorted(path.stem for path in FOLDER.glob(f"{pattern}.toml"))
    assert found
    return found


def planned(recipe: str, *words: str) -> Experiment:
    (experiment,) = api.plan([recipe, *words], {})
    return experiment


def names(experiment: Experiment) -> list[list[str]]:
    """The pictures of validation, weight steps, architecture steps, and final training."""
    strategy: Any = experiment.strategy
    parts = divided_patches(strategy, strategy.searched(experiment.problem))
    final = experiment.problem.task.patches()
    return [list(part.names) for part in (*parts, final)]


@pytest.mark.parametrize("recipe", recipes("clearer-table[1-5]-*[0-9]-denoise"))
def test_clearer_searches_and_trains_on_two_partitions(recipe: str, tmp_path: Path) -> None:
    """Weights on train, architecture on val; the final training is on train (sections 3.2, 4.1)."""
    experiment = planned(recipe, f"task.images={bsds(tmp_path)}")
    assert names(experiment) == [["2"], ["0", "1"], ["2"], ["0", "1"]]


def test_clearer_keeps_100_of_rain800_for_validation(tmp_path: Path) -> None:
    experiment = planned("clearer-table4-derain")
    assert experiment.problem.task.validation == 100
    small = planned(
        "clearer-table4-derain", f"task.images={rain800(tmp_path)}", "task.validation=1"
    )
    assert [len(part) for part in names(small)] == [1, 2, 1, 2]


@pytest.mark.parametrize("recipe", recipes("clearer-table*"))
def test_clearer_turns_and_mirrors_in_training_and_testing(recipe: str) -> None:
    """And both tasks have the same configuration (section 4.1)."""
    problem = planned(recipe).problem
    full: Any = problem.evaluator(FULL)
    assert (problem.task.augment, full.ensemble) == ("all", True)
    assert (full.iterations, full.batch, full.patch, full.lr) == (100_000, 32, 64, 0.01)


@pytest.mark.parametrize(
    "recipe", [*recipes("hinas-*-denoise"), *recipes("irnas-table[15]-*denoise")]
)
def test_hinas_searches_with_three_levels_of_noise_and_trains_with_one(
    recipe: str, tmp_path: Path
) -> None:
    experiment = planned(recipe, f"task.images={bsds(tmp_path)}")
    strategy: Any = experiment.strategy
    searched, task = strategy.searched(experiment.problem).task, experiment.problem.task
    assert searched.noise.sigmas == (30.0, 50.0, 70.0)
    assert (task.noise.sigmas, task.noise.sigma in (30.0, 50.0)) == ((), True)
    assert searched.patches().names == task.patches().names
    assert searched.signature == task.signature == Signature(1, 1)


def test_irnas_searches_on_bsds500_and_trains_on_sim1800(tmp_path: Path) -> None:
    apart = (
        f"strategy.task.images={bsds(tmp_path / 'bsds')}",
        f"task.images={twins(tmp_path / 'sim', 'noisy')}",
    )
    experiment = planned("irnas-table2-real-denoise", *apart)
    strategy: Any = experiment.strategy
    searched = strategy.searched(experiment.problem)
    assert searched.task.signature == Signature(1, 1)
    assert experiment.problem.task.signature == Signature(3, 3)
    validation, weights, architecture, final = names(experiment)
    assert sorted([*validation, *weights, *architecture]) == ["0", "1", "2"] == final
    tested = [sample.name for sample in experiment.problem.task.samples("test")]
    assert tested == ["3", "4"]


@pytest.mark.parametrize("recipe", recipes("*-rsws-*"))
def test_rsws_compares_30_networks_and_trains_the_best(recipe: str) -> None:
    experiment = planned(recipe)
    strategy: Any = experiment.strategy
    assert (strategy.candidates, strategy.final, strategy.epochs) == (30, 0, 100)
    space: Any = experiment.problem.space
    assert (space.layer_wise, space.residual) == (False, False)


@pytest.mark.parametrize("recipe", recipes("hinas-*-sr-*"))
def test_hinas_for_super_resolution_has_the_squared_error_except_its_program(recipe: str) -> None:
    experiment = planned(recipe)
    full: Any = experiment.problem.evaluator(FULL)
    base = "l1" if "-l1-" in recipe else "mse"
    wanted = base if recipe in (f"hinas-table5-{base}-sr-x4",) else f"{base}+0.6*log_ssim"
    assert full.loss == wanted
    assert full.loss == vars(experiment.strategy)["loss"]


def test_the_random_network_of_clearer_is_trained_once_at_the_end() -> None:
    experiment = planned("clearer-table5-random-denoise")
    experiment.strategy.bind(experiment.problem)
    proposal = experiment.strategy.ask()
    assert experiment.trials == 1
    assert proposal is not None
    assert proposal.stage != FULL
