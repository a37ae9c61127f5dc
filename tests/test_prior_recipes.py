"""Recipes of deep image priors have the settings of the papers' tables."""

from __future__ import annotations

from typing import Any

import pytest
import tomli

from nasir.plugins.builtin.recipes import FOLDER

RECIPES = {path.stem: tomli.loads(path.read_text()) for path in FOLDER.glob("*.toml")}


def named(*beginnings: str) -> list[str]:
    found = [name for name in sorted(RECIPES) if name.startswith(beginnings)]
    assert found
    return found


@pytest.mark.parametrize("name", named("nasdip-table1", "nasdip-table2"))
def test_nas_dip_averages_outputs_for_denoising_alone(name: str):
    """Section 4.2: "for fair comparison, we follow DIP and average" is said of denoising."""
    averaging = 0.99 if RECIPES[name]["task"]["name"] == "denoise" else 0.0
    assert RECIPES[name]["evaluator"]["averaging"] == averaging


@pytest.mark.parametrize("name", named("isnas-table"))
def test_isnas_dip_averages_outputs_in_all_tasks(name: str):
    """Section 4.1.1."""
    assert RECIPES[name]["evaluator"]["averaging"] == 0.99


@pytest.mark.parametrize("name", named("isnas-table2", "isnas-table3"))
def test_isnas_dip_is_compared_with_both_priors(name: str):
    found = {
        "denoise": "nasdip_denoising",
        "inpaint": "nasdip_inpainting",
        "sr": "nasdip_super_resolution",
    }
    expected = ["deep_image_prior", found[RECIPES[name]["task"]["name"]]]
    assert RECIPES[name]["references"] == expected


@pytest.mark.parametrize(
    "name", [n for n in named("nasdip-table1a", "nasdip-table2", "isnas-table2") if "-sr-" in n]
)
def test_super_resolution_follows_the_protocol_of_deep_image_prior(name: str):
    task: dict[str, Any] = RECIPES[name]["task"]
    assert (task["protocol"], task["downsampling"]) == ("dip", "lanczos2")


@pytest.mark.parametrize("name", named("nasdip-table1d"))
def test_table_1d_measures_the_squared_error(name: str):
    assert RECIPES[name]["task"]["mse"]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_only_published_programs_clip_a_noisy_picture(name: str):
    task = RECIPES[name].get("task", {})
    if task.get("name") == "denoise" and name.startswith(("nasdip", "isnas")):
        assert task.get("clip", False) == name.endswith("published-program")
