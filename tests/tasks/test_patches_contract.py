"""Every task that has pictures to train on keeps the contract, in each of its forms."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_sets import bsds, div2k, rain800, twins
from made_tasks import (
    deblur,
    degraded,
    denoise,
    derain,
    inpaint,
    jpeg,
    real_denoise,
    super_resolution,
)

from nasir.tasks.paired_task import PairedTask
from nasir.testing.tasks import PatchesContract


class TestDenoise(PatchesContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = str(bsds(tmp_path / "BSDS500"))

    def make(self) -> PairedTask:
        return denoise(images=self.folder)


class TestDenoiseGreyOfSeveralLevels(TestDenoise):
    def make(self) -> PairedTask:
        return denoise(images=self.folder, color="grey", sigmas=(30, 50, 70))


class TestDenoiseWithNothingHeld(TestDenoise):
    def make(self) -> PairedTask:
        return denoise(images=self.folder, memory=0, noise="poisson")


class TestSuperResolution(TestDenoise):
    def make(self) -> PairedTask:
        return super_resolution(images=self.folder, scale=3, size=18)


class TestInpaint(TestDenoise):
    def make(self) -> PairedTask:
        return inpaint(images=self.folder)


class TestDerain(TestDenoise):
    def make(self) -> PairedTask:
        return derain(images=self.folder)


class TestRealDenoise(TestDenoise):
    def make(self) -> PairedTask:
        return real_denoise(images=self.folder)


class TestRealDenoiseGrey(TestDenoise):
    def make(self) -> PairedTask:
        return real_denoise(images=self.folder, color="grey", read=(0, 0.001), jpeg=None)


class TestDerainOfRain800(PatchesContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = str(rain800(tmp_path / "rain"))

    def make(self) -> PairedTask:
        return derain(images=self.folder, pairs="rain800")


class TestRealDenoiseOfSim1800(PatchesContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = str(twins(tmp_path / "SIM1800", "noisy"))

    def make(self) -> PairedTask:
        return real_denoise(images=self.folder, pairs="sim1800")


class TestSuperResolutionOfDiv2k(PatchesContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = str(div2k(tmp_path / "DIV2K"))

    def make(self) -> PairedTask:
        return super_resolution(images=self.folder, pairs="div2k", scale=2)


class TestDenoisePhotographs(PatchesContract):
    """The photographs that are there when none are given."""

    def make(self) -> PairedTask:
        return denoise()


class TestDerainPhotographs(PatchesContract):
    def make(self) -> PairedTask:
        return derain()


class TestDeblur(TestDenoise):
    def make(self) -> PairedTask:
        return deblur(images=self.folder, boundary="valid", noise="gaussian")


class TestDeblurOfPhotographs(PatchesContract):
    def make(self) -> PairedTask:
        return deblur(blur="motion_blur", boundary="periodic")


class TestJpeg(TestDenoise):
    def make(self) -> PairedTask:
        return jpeg(images=self.folder, qualities=[5, 50])


class TestDegraded(TestDenoise):
    def make(self) -> PairedTask:
        return degraded(
            images=self.folder, degradation="blur+lanczos2+poisson+jpeg", scale=2, quality=50
        )
