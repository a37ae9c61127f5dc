"""The notebooks of the documentation run as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "docs" / "notebooks"


def executed(name: str) -> dict[str, Any]:
    """The names that the cells of a notebook define, one cell after another."""
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"__name__": "notebook"}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)
    return names


def test_the_restored_picture_is_nearer_to_the_clean_one():
    names = executed("restore")
    restored, psnr = names["restored"], names["psnr"]
    assert psnr(restored.picture) > psnr(restored.before) + 3


def test_two_strategies_are_compared_and_plotted():
    names = executed("search")
    assert names["comparison"].names == ["random", "evolution"]
    assert Path("curves.png").stat().st_size > 10_000
    assert [len(run.trials) for run in names["runs"]] == [2, 2]


def test_a_strategy_of_a_notebook_searches():
    run = executed("strategy")["run"]
    assert run.state == "finished"
    assert run.best.score == max(trial.score for trial in run.trials)


@pytest.mark.parametrize("file", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda file: file.stem)
def test_a_notebook_is_of_format_4(file: Path):
    content = json.loads(file.read_text(encoding="utf-8"))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in content["cells"]}) == len(content["cells"])
