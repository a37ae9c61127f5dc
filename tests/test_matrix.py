"""A small part of the matrix of strategies, spaces and evaluators, searched for real."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from nasir.core.registry import registries

PATH = Path(__file__).parent.parent / "benchmarks" / "matrix.py"
REFUSED = {
    "exhaustive": "is for spaces of at most",
}
"""Why some cannot be searched with evaluator=proxy on spaces that are large."""

ELSEWHERE = ("darts", "rsws", "spos", "enas", "isnas")
"""Searched for real in ``test_killed_search``, ``test_searches`` and ``test_isnas``."""


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("matrix", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MATRIX = loaded()


def test_every_strategy_is_in_the_matrix():
    named = {part for name in MATRIX.STRATEGIES for part in (name, *name.split("+"))}
    ours = {n for n, e in registries["strategy"].items() if e.owner != "toy"}
    assert ours <= named | {"chain"}


@pytest.mark.parametrize("strategy", [s for s in MATRIX.STRATEGIES if s not in ELSEWHERE])
def test_a_strategy_comes_to_an_architecture(strategy: str):
    space = list(MATRIX.SPACES)[sorted(MATRIX.STRATEGIES).index(strategy) % len(MATRIX.SPACES)]
    why = MATRIX.outcome(strategy, space, "proxy", {})
    assert why is None or REFUSED.get(strategy, "nothing") in why


@pytest.mark.parametrize("space", MATRIX.SPACES)
@pytest.mark.parametrize("evaluator", ["dip", "train"])
def test_a_space_is_evaluated_by_an_evaluator(space: str, evaluator: str):
    assert MATRIX.outcome("random", space, evaluator, {}) is None
