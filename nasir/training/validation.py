"""How well a network restores the pictures held out for validation."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from torch import nn

from nasir.core.evaluator import means
from nasir.core.task import Patches, Sample, Task
from nasir.training.restoring import restore


def validation_samples(patches: Patches, crop: int = 0) -> list[Sample]:
    """The whole pictures of `patches`, or their middles of `crop` pixels a side."""
    samples = [patches.sample(name) for name in patches.names]
    return [middle(sample, crop) if crop else sample for sample in samples]


def middle(sample: Sample, side: int) -> Sample:
    """The middle of a sample, at most `side` degraded pixels a side."""
    height, width = sample.degraded.shape[-2:]
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    degraded = sample.degraded[..., top : top + side, left : left + side]
    if sample.mask is not None:
        mask = sample.mask[..., top : top + side, left : left + side]
        sample = attrs.evolve(sample, mask=mask)
    if sample.clean is None:
        return attrs.evolve(sample, degraded=degraded)
    scale = sample.clean.shape[-1] // width
    rows = slice(scale * top, scale * (top + degraded.shape[-2]))
    columns = slice(scale * left, scale * (left + degraded.shape[-1]))
    return attrs.evolve(sample, degraded=degraded, clean=sample.clean[..., rows, columns])


def mean_metrics(
    network: nn.Module, samples: Sequence[Sample], task: Task, tile: int = 0, ensemble: bool = False
) -> dict[str, float]:
    """The task's metrics of the restored `samples`, their means by name."""
    return means(
        task.metrics(restore(network, sample, task, tile, ensemble), sample) for sample in samples
    )
