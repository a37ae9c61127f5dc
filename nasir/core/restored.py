"""What is told of restored pictures, and what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nasir.core.evaluator import means
from nasir.core.task import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

    Restored = tuple[Sample, Tensor]
    """A sample and what was made of it, ``(1, C, H, W)``."""


def picture_figures(results: Sequence[Restored], task: Task) -> dict[str, float]:
    """The degraded pictures' own means, ``degraded_NAME``, and each picture's ``NAME:PICTURE``."""
    degraded = means([task.metrics(task.unrestored(sample), sample) for sample, _ in results])
    figures = {f"degraded_{name}": value for name, value in degraded.items()}
    for sample, picture in results:
        for name, value in task.metrics(picture, sample).items():
            figures[f"{name}:{sample.name}"] = value
    return figures


def metric_names(samples: Sequence[Sample], task: Task) -> set[str]:
    """The metrics that the task has of restored pictures."""
    return {name for sample in samples for name in task.metrics(task.unrestored(sample), sample)}


def picture_artifacts(results: Sequence[Restored]) -> dict[str, Any]:
    """``pictures/NAME-clean``, ``-degraded`` and ``-restored``, arrays ``(H, W, C)``."""
    artifacts = {}
    for sample, picture in results:
        kinds = {"clean": sample.clean, "degraded": sample.degraded, "restored": picture}
        for kind, shown in kinds.items():
            if shown is not None:
                array = shown[0].permute(1, 2, 0).cpu().numpy()
                artifacts[f"pictures/{sample.name}-{kind}"] = array
    return artifacts


def weight_artifacts(network: nn.Module, folder: str = "") -> dict[str, Any]:
    """The state of a network, as ``weights/FOLDER/NAME`` or ``weights/NAME``."""
    prefix = f"weights/{folder}/" if folder else "weights/"
    return {prefix + name: value.cpu().numpy() for name, value in network.state_dict().items()}
