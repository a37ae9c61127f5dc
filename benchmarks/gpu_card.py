"""The card that benchmarks/gpu.py measures on, and how long a step takes there."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import attrs
import torch

from nasir.search_spaces.nasdip.space import NasDip
from nasir.training.captured import WARM_UP

ROUNDS = 3

Step = Callable[[], Any]


def as_torch_chooses(step: Step) -> Step:
    """The step of a program that does not ask for the same bits each time."""

    def chosen() -> Any:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=False):
            return step()

    return chosen


Row = dict[str, Any]


@attrs.frozen
class Size:
    """Of a picture and of the network that is fitted to it."""

    side: int
    width: int
    depth: int

    def space(self) -> NasDip:
        return NasDip(depth=self.depth, width=self.width)

    def __str__(self) -> str:
        return f"{self.side} x {self.side}, width {self.width}, depth {self.depth}"


@attrs.frozen
class Card:
    """What is measured on, and how large the rows are."""

    device: str
    small: bool
    steps: int = attrs.field()
    rounds: int = ROUNDS

    @steps.default
    def _usual_steps(self) -> int:
        return 3 if self.small else 30

    @property
    def fewer(self) -> Card:
        """For steps that take a second."""
        return attrs.evolve(self, steps=3, rounds=1)

    def size(self, side: int, width: int, depth: int) -> Size:
        return Size(32, 8, 2) if self.small else Size(side, width, depth)

    def many(self, fits: int) -> int:
        return min(fits, 3) if self.small else fits

    def wait(self) -> None:
        if self.device != "cpu":
            torch.cuda.synchronize()

    def milliseconds(self, **ways: Step) -> dict[str, float]:
        """Of one step in each way: blocks of steps in turn, each way warm before it counts."""
        found: dict[str, list[float]] = {name: [] for name in ways}
        for step in ways.values():
            for _ in range(WARM_UP + 2):
                step()
        for _ in range(self.rounds):
            for name, step in ways.items():
                self.wait()
                began = time.perf_counter()
                for _ in range(self.steps):
                    step()
                self.wait()
                found[name].append((time.perf_counter() - began) / self.steps * 1e3)
        return {name: statistics.median(times) for name, times in found.items()}


def ratio(times: dict[str, float]) -> Row:
    """Milliseconds a step of a fit, and how many times as fast as the plain program nasir is."""
    return {f"{name} ms": value for name, value in times.items()} | {
        "times as fast": times["plain"] / times["nasir"]
    }
