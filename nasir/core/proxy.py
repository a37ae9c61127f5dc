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
    """A freshly initialised network and the picture that it is to restore.

    `network` takes `input` ``(1, C, H, W)``, and pictures of `smallest_side` pixels or more; all
    is on one device. Several proxies are given the same network and must not change it. Their
    randomness comes from `seed`. What several proxies need is computed once.
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
        """A copy of the network that may be changed, with torch's generators set to `seed`.

        Even a forward pass changes the statistics of batch normalisation.
        """
        import torch

        device = self.input.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(self.seed)
            yield copy.deepcopy(self.network)

    @cached_property
    def output(self) -> Tensor:
        """The forward operator of the network's restored picture, ``(1, C, h, w)``.

        It is comparable with ``sample.degraded``: in super-resolution, the output is downsampled.
        """
        import torch

        with torch.no_grad(), self.copied() as network:
            restored = self.task.restored(network(self.input), self.sample)
            return self.sample.forward_operator(restored)

    @cached_property
    def gradients(self) -> Mapping[str, Tensor]:
        """:meth:`gradients_at` `input`."""
        return self.gradients_at(self.input)

    def gradients_at(self, input: Tensor) -> Mapping[str, Tensor]:
        """Gradients of the task's loss by parameter; zero for a parameter that is not used.

        The loss is that of a fit to the degraded picture; it needs no ground truth.
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
    """Predicts how good a network will be before it is trained, without ground truth.

    A subclass is an attrs class; its fields are its settings.
    """

    larger_is_better: ClassVar[bool] = False
    """Whether a greater value predicts a better network."""

    @abstractmethod
    def value(self, probe: Probe) -> float:
        """The score of ``probe.network``; one that is not finite makes a failed evaluation."""
