"""Every degradation keeps the contract, alone and composed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_sets import save

from nasir.core.degradation import Degradation
from nasir.tasks.degradations.blur import GaussianBlur, KernelBlur, MotionBlur
from nasir.tasks.degradations.camera_noise import CameraNoise
from nasir.tasks.degradations.downsampling import Bicubic, Lanczos2
from nasir.tasks.degradations.gaussian import Gaussian
from nasir.tasks.degradations.jpeg import Jpeg
from nasir.tasks.degradations.mask import Mask
from nasir.tasks.degradations.poisson import Poisson
from nasir.tasks.degradations.rain import Rain
from nasir.tasks.degradations.real_camera import RealCamera
from nasir.testing import DegradationContract

MADE: dict[str, tuple[Callable[[], Degradation], int]] = {
    "gaussian": (Gaussian, 1),
    "gaussian of several levels": (lambda: Gaussian(sigmas=(10, 70), clip=True), 1),
    "poisson": (Poisson, 1),
    "camera": (CameraNoise, 1),
    "real camera": (RealCamera, 1),
    "rain": (Rain, 1),
    "jpeg": (lambda: Jpeg(qualities=(5, 60)), 1),
    "mask": (Mask, 1),
    "bicubic": (Bicubic, 1),
    "lanczos2": (lambda: Lanczos2(scale=2), 1),
    "blur": (lambda: GaussianBlur(width=1.5), 13),
    "periodic blur": (lambda: GaussianBlur(width=1.5, boundary="periodic"), 13),
    "valid blur": (lambda: GaussianBlur(width=1.5, boundary="valid"), 13),
    "motion blur": (lambda: MotionBlur(length=9, angle=30), 9),
    "blur, downsampling and noise": (
        lambda: MotionBlur(length=5) + Bicubic(scale=2) + Gaussian(),
        1,
    ),
    "a noisy mask": (lambda: Mask() + Gaussian(), 1),
    "blur twice": (lambda: GaussianBlur(width=0.5) + MotionBlur(length=5, boundary="valid"), 5),
    "compressed noise": (lambda: Gaussian() + Jpeg(), 1),
}


@pytest.mark.parametrize("name", list(MADE))
class TestDegradations(DegradationContract):
    @pytest.fixture(autouse=True)
    def _made(self, name: str) -> None:
        self.made, self.smallest = MADE[name]

    def make(self) -> Degradation:
        return self.made()


class TestKernelBlur(DegradationContract):
    smallest = 7

    @pytest.fixture(autouse=True)
    def _kernel(self, tmp_path: Path) -> None:
        values = np.random.default_rng(0).integers(0, 256, (7, 5), dtype=np.uint8)
        self.file = str(save(tmp_path / "kernel.png", values))

    def make(self) -> Degradation:
        return KernelBlur(file=self.file)
