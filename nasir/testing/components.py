"""What every component must do, whatever its kind."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from nasir.core.component import settings_of
from nasir.settings.building import settings_of_component, structure


class ComponentContract:
    """Cases that all contracts share. A subclass gives `make`."""

    def make(self) -> Any:
        """A fresh component; every call makes an equal one. Small, so that the cases are quick."""
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    def test_settings_survive_being_written_and_read(self) -> None:
        component = self.make()
        written = settings_of_component(component)
        again = structure(type(component), written)
        assert settings_of_component(again) == written

    def test_every_setting_says_what_it_means(self) -> None:
        for field in settings_of(type(self.make())):
            assert field.metadata.get("meaning"), f"{field.name} is no setting(...)"


@contextmanager
def untouched_generators() -> Iterator[None]:
    """Assert that the global generators of Python, numpy and torch are as they were.

    Each is moved on first: where the same was seeded and drawn before, it would be where it was.
    """
    random.random(), np.random.random(), torch.rand(1)
    python, numpy, torchs = random.getstate(), np.random.get_state(), torch.get_rng_state()
    yield
    assert random.getstate() == python, "Python's global generator was used"
    changed = np.random.get_state()
    assert all(np.array_equal(a, b) for a, b in zip(changed, numpy, strict=True)), (
        "numpy's global generator was used"
    )
    assert torch.equal(torch.get_rng_state(), torchs), "torch's global generator was used"
