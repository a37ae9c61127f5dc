"""The figures of restored pictures, and what is kept of pictures and networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nasir.core.evaluator import RestoredPicture, means
from nasir.core.task import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

    Restored = tuple[Sample, Tensor]
    """A sample and its restored picture, ``(1, C, H, W)``."""


def by_picture(results: Sequence[Restored], task: Task) -> dict[str, dict[str, float]]:
    """The metrics of each restored picture, by its name."""
    return {sample.name: dict(task.metrics(picture, sample)) for sample, picture in results}


def degraded_means(samples: Sequence[Sample], task: Task) -> dict[str, float]:
    """The means of the degraded pictures' own metrics, as ``degraded_METRIC``."""
    degraded = means([task.metrics(task.unrestored(sample), sample) for sample in samples])
    return {f"degraded_{name}": value for name, value in degraded.items()}


def metric_names(samples: Sequence[Sample], task: Task) -> set[str]:
    """The metrics that the task has of restored pictures."""
    return {name for sample in samples for name in task.metrics(task.unrestored(sample), sample)}


def restored_pictures(results: Sequence[Restored]) -> dict[str, RestoredPicture]:
    """The pictures before and after, by name."""
    return {
        sample.name: RestoredPicture(
            None if sample.clean is None else picture_array(sample.clean),
            picture_array(sample.degraded),
            picture_array(picture),
        )
        for sample, picture in results
    }


def picture_array(picture: Tensor) -> Any:
    """The array ``(H, W, C)`` of a picture ``(1, C, H, W)``."""
    return picture[0].permute(1, 2, 0).cpu().numpy()


def network_weights(network: nn.Module) -> dict[str, Any]:
    """The state of a network: arrays by name."""
    return {name: value.cpu().numpy() for name, value in network.state_dict().items()}
