"""Every classical method that comes with nasir keeps the contract of methods."""

from __future__ import annotations

import importlib.util

import pytest

from nasir.core.method import Method
from nasir.core.registry import registries
from nasir.core.task import Task
from nasir.settings.building import make
from nasir.testing import MethodContract

TASKS = {
    "bicubic": {"name": "sr", "scale": 2, "size": 32, "search": 1},
    "biharmonic": {"name": "inpaint", "size": 24, "search": 1},
    "exemplar": {"name": "inpaint", "size": 24, "missing": 0.02, "search": 1},
    "plug_and_play": {"name": "inpaint", "size": 24, "search": 1},
}
"""The task of a method that does not denoise."""


@pytest.mark.parametrize("name", registries["method"])
class TestMethods(MethodContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        if name == "wavelet" and importlib.util.find_spec("pywt") is None:
            pytest.skip("PyWavelets is optional")
        if name == "bm3d" and importlib.util.find_spec("bm3d") is None:
            pytest.skip("bm3d is optional")
        self.name = name

    def make(self) -> Method:
        return make("method", self.name)

    def task(self) -> Task:
        return make("task", TASKS[self.name]) if self.name in TASKS else super().task()
