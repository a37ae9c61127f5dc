"""The contracts of nasir, kept by this plugin's components."""

import torch
from nasir_example.carafe import Carafe
from nasir_example.fitting import FadingNoise
from nasir_example.ghost import Ghost
from nasir_example.proxy import Contrast
from nasir_example.space import Plain
from nasir_example.speckle import Speckle
from nasir_example.strategy import HillClimbing
from nasir_example.task import Despeckle

from nasir.testing import (
    DegradationContract,
    FittingMethodContract,
    ProxyContract,
    SearchSpaceContract,
    StrategyContract,
    TaskContract,
)


class TestPlain(SearchSpaceContract):
    scales = (1, 2)

    def make(self):
        return Plain(max_depth=2)


class TestHillClimbing(StrategyContract):
    def make(self):
        return HillClimbing()


class TestSpeckle(DegradationContract):
    def make(self):
        return Speckle()


class TestGhost(DegradationContract):
    def make(self):
        return Ghost(shift=2)


class TestDespeckle(TaskContract):
    def make(self):
        return Despeckle(size=32)


class TestFadingNoise(FittingMethodContract):
    def make(self):
        return FadingNoise(iterations=4)


class TestContrast(ProxyContract):
    def make(self):
        return Contrast()


def test_carafe_doubles_height_and_width():
    assert Carafe(4, 3, 1)(torch.rand(2, 4, 5, 7)).shape == (2, 4, 10, 14)


def test_carafe_keeps_what_is_constant_away_from_the_border():
    y = Carafe(3, 3, 1)(torch.full((1, 3, 8, 8), 0.7))
    torch.testing.assert_close(y[..., 4:-4, 4:-4], torch.full((1, 3, 8, 8), 0.7))
