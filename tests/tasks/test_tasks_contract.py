from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasir.tasks.denoise import Denoise
from nasir.testing import TaskContract


class TestDenoise(TaskContract):
    """Colour pictures in files, one to search on and two to test on."""

    @pytest.fixture(autouse=True)
    def _pictures(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        rng = np.random.default_rng(0)
        for name in "abc":
            values = rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)
            Image.fromarray(values).save(tmp_path / f"{name}.png")

    def make(self) -> Denoise:
        return Denoise(images=(str(self.folder),), search=1)


class TestDenoiseGreyAndClipped(TestDenoise):
    def make(self) -> Denoise:
        return Denoise(images=(str(self.folder),), search=2, size=16, color="grey", clip=True)


class TestDenoiseWithTestPicturesOfItsOwn(TestDenoise):
    def make(self) -> Denoise:
        a, b = (str(self.folder / f"{name}.png") for name in "ab")
        return Denoise(images=(a,), test_images=(b,), sigma=50)


class TestDenoiseOnePictureForBoth(TestDenoise):
    splits_share_pictures = True

    def make(self) -> Denoise:
        return Denoise(images=(str(self.folder / "a.png"),), search=1)


class TestDenoisePhotographs(TaskContract):
    """The photographs that are there when none are given."""

    def make(self) -> Denoise:
        return Denoise(size=32)
