from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_sets import div2k, rain800, twins
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
from PIL import Image

from nasir.tasks.denoise import Denoise
from nasir.tasks.derain import Derain
from nasir.tasks.inpaint import Inpaint
from nasir.tasks.picture_task import PictureTask
from nasir.tasks.real_denoise import RealDenoise
from nasir.tasks.super_resolution import SuperResolution
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
        return denoise(images=(str(self.folder),), search=1)


class TestDenoiseGreyAndClipped(TestDenoise):
    def make(self) -> Denoise:
        return denoise(images=(str(self.folder),), search=2, size=16, color="grey", clip=True)


class TestDenoiseWithTestPicturesOfItsOwn(TestDenoise):
    def make(self) -> Denoise:
        a, b = (str(self.folder / f"{name}.png") for name in "ab")
        return denoise(images=(a,), test_images=(b,), sigma=50)


class TestDenoiseOnePictureForBoth(TestDenoise):
    splits_share_pictures = True

    def make(self) -> Denoise:
        return denoise(images=(str(self.folder / "a.png"),), search=1)


class TestDenoisePoisson(TestDenoise):
    def make(self) -> Denoise:
        return denoise(images=(str(self.folder),), search=1, noise="poisson", peak=10)


class TestDenoiseCamera(TestDenoise):
    def make(self) -> Denoise:
        return denoise(images=(str(self.folder),), search=1, noise="camera", shot=0.02)


class TestDenoiseCameraGreyOnTheSamePictures(TestDenoise):
    splits_share_pictures = True

    def make(self) -> Denoise:
        return denoise(images=(str(self.folder),), search=0, noise="camera", color="grey")


class TestSuperResolution(TestDenoise):
    def make(self) -> SuperResolution:
        return super_resolution(images=(str(self.folder),), search=1, scale=2)


class TestSuperResolutionByThreeWithLanczos(TestDenoise):
    def make(self) -> SuperResolution:
        images = (str(self.folder),)
        return super_resolution(
            images=images, search=2, scale=3, size=18, downsampling="lanczos2", border=1
        )


class TestSuperResolutionOfGreyOnTheSamePictures(TestDenoise):
    splits_share_pictures = True

    def make(self) -> SuperResolution:
        images = (str(self.folder),)
        return super_resolution(images=images, search=0, scale=4, color="grey", border=0)


class TestInpaint(TestDenoise):
    def make(self) -> Inpaint:
        return inpaint(images=(str(self.folder),), search=1)


class TestInpaintWithAMaskPicture(TestDenoise):
    def make(self) -> Inpaint:
        folder = self.folder / "mask"
        folder.mkdir(exist_ok=True)
        values = np.random.default_rng(1).integers(0, 2, (20, 24), dtype=np.uint8) * 255
        Image.fromarray(values).save(folder / "mask.png")
        mask = str(folder / "mask.png")
        return inpaint(images=(str(self.folder),), search=1, size=18, color="grey", mask=mask)


class TestDenoisePhotographs(TaskContract):
    """The photographs that are there when none are given."""

    def make(self) -> Denoise:
        return denoise(size=32)


class TestSuperResolutionPhotographs(TaskContract):
    def make(self) -> SuperResolution:
        return super_resolution(size=32)


class TestInpaintPhotographs(TaskContract):
    def make(self) -> Inpaint:
        return inpaint(size=32, missing=0.8)


class TestDerain(TestDenoise):
    def make(self) -> Derain:
        return derain(images=(str(self.folder),), search=1)


class TestDerainGreyInOneKindOfRain(TestDenoise):
    def make(self) -> Derain:
        settings = {"density": 0.05, "length": 5, "angle": 0, "width": 1, "intensity": 1}
        return derain(images=(str(self.folder),), search=2, size=16, color="grey", **settings)


class TestDerainOfRain800(TaskContract):
    @pytest.fixture(autouse=True)
    def _pictures(self, tmp_path: Path) -> None:
        self.folder = str(rain800(tmp_path / "rain"))

    def make(self) -> Derain:
        return derain(images=self.folder, pairs="rain800", size=16)


class TestDerainPhotographs(TaskContract):
    def make(self) -> Derain:
        return derain(size=32)


class TestRealDenoise(TestDenoise):
    def make(self) -> RealDenoise:
        return real_denoise(images=(str(self.folder),), search=1)


class TestRealDenoiseGreyWithoutJpeg(TestDenoise):
    def make(self) -> RealDenoise:
        settings = {"jpeg": None, "read": 0.001, "white_balance": False, "chroma": 0}
        return real_denoise(images=(str(self.folder),), search=2, color="grey", **settings)


class TestRealDenoiseOfSim1800(TaskContract):
    @pytest.fixture(autouse=True)
    def _pictures(self, tmp_path: Path) -> None:
        self.folder = str(twins(tmp_path / "SIM1800", "noisy"))

    def make(self) -> RealDenoise:
        return real_denoise(images=self.folder, pairs="sim1800")


class TestRealDenoisePhotographs(TaskContract):
    def make(self) -> RealDenoise:
        return real_denoise(size=32)


class TestSuperResolutionOfDiv2k(TaskContract):
    @pytest.fixture(autouse=True)
    def _pictures(self, tmp_path: Path) -> None:
        self.folder = str(div2k(tmp_path / "DIV2K"))

    def make(self) -> SuperResolution:
        return super_resolution(images=self.folder, pairs="div2k", scale=2, size=20)


class TestDeblur(TestDenoise):
    def make(self) -> PictureTask:
        return deblur(images=str(self.folder), search=1, width=1.2)


class TestDeblurOfMotionWithNoiseAndValidBorders(TestDenoise):
    def make(self) -> PictureTask:
        blur = {"name": "motion_blur", "length": 5.0, "angle": 20.0, "boundary": "valid"}
        return deblur(images=str(self.folder), search=1, blur=blur, noise="gaussian", sigma=5)


class TestDeblurPeriodicOnGreyPhotographs(TaskContract):
    def make(self) -> PictureTask:
        return deblur(size=32, color="grey", width=1, boundary="periodic")


class TestJpeg(TestDenoise):
    def make(self) -> PictureTask:
        return jpeg(images=str(self.folder), search=1, qualities=[5, 30])


class TestDegradedByBlurDownsamplingAndNoise(TestDenoise):
    def make(self) -> PictureTask:
        return degraded(
            images=str(self.folder),
            search=1,
            degradation="blur+bicubic+gaussian",
            width=1,
            scale=2,
            sigma=5,
        )


class TestDegradedByNoiseAndCompression(TestDenoise):
    splits_share_pictures = True

    def make(self) -> PictureTask:
        return degraded(images=str(self.folder), search=0, degradation="poisson+jpeg")


class TestInpaintNoisyPictures(TestDenoise):
    def make(self) -> PictureTask:
        return inpaint(images=str(self.folder), search=1, degradation="mask+gaussian")
