"""Scores of untrained networks."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from nasir.core.task import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor, nn


class Probe:
    """A freshly initialised network, with what it is to restore, for proxies to look at.

    `network` takes `input` ``(1, C, H, W)``, and pictures of `smallest_side` pixels or more; all
    is on one device. Several proxies look at the same network, and leave it as it is. What they
    draw comes from `seed`. What several proxies need is computed once.
    """

    def __init__(
        self,
        network: nn.Module,
        input: Tensor,
        sample: Sample,
        task: Task,
        seed: int = 0,
        smallest_side: int = 1,
    ) -> None:
        self.network, self.input = network, input
        self.sample, self.task = sample, task
        self.seed, self.smallest_side = seed, smallest_side

    @contextmanager
    def copied(self) -> Iterator[nn.Module]:
        """A copy of the network to do anything with, and torch's generators set to `seed`.

        A pass alone moves the statistics of batch normalisation, and may draw from them.
        """
        import torch

        device = self.input.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(self.seed)
            yield copy.deepcopy(self.network)

    @cached_property
    def output(self) -> Tensor:
        """What the network makes of the input, brought to where `degraded` was observed.

        ``(1, C, h, w)``: an output of super-resolution is downsampled, say.
        """
        import torch

        with torch.no_grad(), self.copied() as network:
            restored = self.task.restored(network(self.input), self.sample)
            return self.sample.forward_operator(restored)

    @cached_property
    def gradients(self) -> Mapping[str, Tensor]:
        """:meth:`gradients_at` the input."""
        return self.gradients_at(self.input)

    def gradients_at(self, input: Tensor) -> Mapping[str, Tensor]:
        """Of the task's loss against the degraded picture, by parameter; no ground truth.

        The loss is that of a fit by the deep image prior. Zero for a parameter that plays no part.
        """
        import torch

        with torch.enable_grad(), self.copied() as network:
            named = {name: p for name, p in network.named_parameters() if p.requires_grad}
            loss = self.task.loss(network(input), self.sample)
            found = torch.autograd.grad(
                loss, list(named.values()), allow_unused=True, materialize_grads=True
            )
        return dict(zip(named, found, strict=True))


class Proxy(ABC):
    """Predicts how well a network will do before it is trained, without ground truth.

    A subclass is an attrs class; its fields are its settings.
    """

    larger_is_better: ClassVar[bool] = False
    """Whether a greater value predicts a better network."""

    @abstractmethod
    def value(self, probe: Probe) -> float:
        """The score of ``probe.network``; a number that is not finite is a failed evaluation."""
