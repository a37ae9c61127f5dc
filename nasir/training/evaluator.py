"""Evaluators that train networks on many pictures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import attrs

from nasir.core.evaluator import Evaluator
from nasir.core.task import Patches, Sample, Task

if TYPE_CHECKING:
    from torch import Tensor, nn


@attrs.frozen
class TrainingRequest:
    """What one training has besides its settings.

    All randomness comes from `seed`. `checkpoint` is a file for the state, from which a killed
    training continues; None: it is not kept. `identity` names what the state follows from besides
    settings, seed and pictures: a state of another identity is not continued. `on_step` is called
    with a step, from 1, and its loss.
    """

    seed: int
    checkpoint: Path | None = None
    identity: str = ""
    on_step: Callable[[int, float], None] | None = None


class TrainingEvaluator(Evaluator):
    """Trains a network on patches, and restores whole pictures with it.

    The trained weights can be kept, evaluated and used again: ``nasir train`` and what follows it
    take any such evaluator. Its networks have the task's own signature.
    """

    learns_from_patches = True

    restoring_settings: ClassVar[frozenset[str]] = frozenset(("device",))
    """The settings that say how a network restores that is trained already."""

    @property
    @abstractmethod
    def full_steps(self) -> int:
        """The steps of a full training."""

    @property
    @abstractmethod
    def has_weights(self) -> bool:
        """Whether it takes weights that are trained already, and trains nothing."""

    @abstractmethod
    def with_weights(self, path: Path) -> TrainingEvaluator:
        """The same evaluator with the weights in the safetensors file `path`."""

    @abstractmethod
    def train(self, network: nn.Module, patches: Patches, request: TrainingRequest) -> nn.Module:
        """Train a fresh `network` fully, and return it with the weights to keep."""

    @abstractmethod
    def restore(self, network: nn.Module, sample: Sample, task: Task) -> Tensor:
        """The restored picture ``(1, C, sH, sW)`` of a trained network; any device."""

    def validation_samples(self, patches: Patches) -> Sequence[Sample]:
        """The pictures by which a training is watched: whole by default."""
        return [patches.sample(name) for name in patches.names]
