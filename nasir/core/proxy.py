"""Scores of untrained networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from nasir.core.task import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor, nn


class Probe:
    """A freshly initialised network, with what it is to restore, for proxies to look at.

    `network` takes `input` ``(1, C, H, W)``; both are on one device. What several proxies need
    is computed once.
    """

    def __init__(self, network: nn.Module, input: Tensor, sample: Sample, task: Task) -> None:
        self.network, self.input = network, input
        self.sample, self.task = sample, task

    @cached_property
    def output(self) -> Tensor:
        """What the network makes of the input, brought to where `degraded` was observed.

        ``(1, C, h, w)``: an output of super-resolution is downsampled, say.
        """
        import torch

        with torch.no_grad():
            restored = self.task.restored(self.network(self.input), self.sample)
            return self.sample.forward_operator(restored)


class Proxy(ABC):
    """Predicts how well a network will do before it is trained, without ground truth.

    A subclass is an attrs class; its fields are its settings.
    """

    larger_is_better: ClassVar[bool] = False
    """Whether a greater value predicts a better network."""

    @abstractmethod
    def value(self, probe: Probe) -> float:
        """The score of ``probe.network``; a number that is not finite is a failed evaluation."""
