"""Every task that has pictures to train on keeps the contract, in each of its forms."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_sets import bsds, div2k, rain800, twins

from nasir.tasks.denoise import Denoise
from nasir.tasks.derain import Derain
from nasir.tasks.inpaint import Inpaint
from nasir.tasks.paired_task import PairedTask
from nasir.tasks.real_denoise import RealDenoise
from nasir.tasks.super_resolution import SuperResolution
from nasir.testing.tasks import PatchesContract


class TestDenoise(PatchesContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = str(bsds(tmp_path / "BSDS500"))

    def make(self) -> PairedTask:
        return Denoise(images=self.folder)


class TestDenoiseGreyOfSeveralLevels(TestDenoise):
    def make(self) -> PairedTask:
        return Denoise(images=self.folder, color="grey", sigmas=(30, 50, 70))


class TestDenoiseWithNothingHeld(TestDenoise):
    def make(self) -> PairedTask:
        return Denoise(images=self.folder, memory=0, noise="poisson")


class TestSuperResolution(TestDenoise):
    def make(self) -> PairedTask:
        return SuperResolution(images=self.folder, scale=3, size=18)


class TestInpaint(TestDenoise):
    def make(self) -> PairedTask:
        return Inpaint(images=self.folder)


class TestDerain(TestDenoise):
    def make(self) -> PairedTask:
        return Derain(images=self.folder)


class TestRealDenoise(TestDenoise):
    def make(self) -> PairedTask:
        return RealDenoise(images=self.folder)


class TestRealDenoiseGrey(TestDenoise):
    def make(self) -> PairedTask:
        return RealDenoise(images=self.folder, color="grey", read=(0, 0.001), jpeg=None)


class TestDerainOfRain800(PatchesContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = str(rain800(tmp_path / "rain"))

    def make(self) -> PairedTask:
        return Derain(images=self.folder, pairs="rain800")


class TestRealDenoiseOfSim1800(PatchesContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = str(twins(tmp_path / "SIM1800", "noisy"))

    def make(self) -> PairedTask:
        return RealDenoise(images=self.folder, pairs="sim1800")


class TestSuperResolutionOfDiv2k(PatchesContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = str(div2k(tmp_path / "DIV2K"))

    def make(self) -> PairedTask:
        return SuperResolution(images=self.folder, pairs="div2k", scale=2)


class TestDenoisePhotographs(PatchesContract):
    """The photographs that are there when none are given."""

    def make(self) -> PairedTask:
        return Denoise()


class TestDerainPhotographs(PatchesContract):
    def make(self) -> PairedTask:
        return Derain()
