"""A task on a part of one picture."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.errors import EvaluationError, PictureError
from nasir.core.search_space import Signature
from nasir.core.task import Sample, Split, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

NAME = "picture"
"""What every window is called: seeds depend on names, and should not on those of files."""


@attrs.define(slots=False)
class Window(Task):
    """`task` on `sample` alone, which has no ground truth.

    A fit that is still going on at the time `deadline` of the monotonic clock fails.
    """

    task: Task
    sample: Sample
    deadline: float = math.inf

    @property
    def networks(self) -> int:  # type: ignore[override]
        """As many as `task` has."""
        return self.task.networks

    @property
    def single_pictures(self) -> bool:  # type: ignore[override]
        """As `task` has them."""
        return self.task.single_pictures

    @property
    def origin(self) -> Task:
        return self.task

    @property
    def signature(self) -> Signature:
        return self.task.signature

    def samples(self, split: Split) -> Sequence[Sample]:
        return [self.sample]

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        if time.monotonic() > self.deadline:
            raise EvaluationError("the time for the search is over")
        return self.task.loss(output, sample)

    def metrics(self, restored: Tensor, sample: Sample) -> Mapping[str, float]:
        return {}

    def restored(self, output: Tensor, sample: Sample) -> Tensor:
        return self.task.restored(output, sample)

    def unrestored(self, sample: Sample) -> Tensor:
        return self.task.unrestored(sample)

    def region(self, sample: Sample) -> tuple[slice, slice] | None:
        return self.task.region(sample)

    def assemble(self, build: Callable[[Signature], nn.Module], signature: Signature) -> nn.Module:
        return self.task.assemble(build, signature)

    def hint(self, module: nn.Module, sample: Sample) -> None:
        self.task.hint(module, sample)

    def shrunk(self, sample: Sample, side: int) -> Sample:
        return self.task.shrunk(sample, side)


def part(sample: Sample, rows: slice, columns: slice) -> Sample:
    """The part of `sample` in some rows and columns of ``degraded``.

    Every tensor with the height and width of ``degraded`` is cut. Raises
    :class:`~nasir.core.errors.PictureError` where no pixel of the part was observed.
    """
    from torch import Tensor

    size = sample.degraded.shape[-2:]
    values = {f.name: getattr(sample, f.name) for f in attrs.fields(type(sample))}
    cut: dict[str, Any] = {
        name: value[..., rows, columns].contiguous()
        for name, value in values.items()
        if isinstance(value, Tensor) and value.ndim >= 2 and value.shape[-2:] == size
    }
    if not (inner := _inner(size, rows, columns, sample.reach)).all():
        cut["mask"] = inner * cut.get("mask", 1)
    if "mask" in cut and not cut["mask"].any():
        raise PictureError(
            f"no pixel of {sample.name} is there in rows {rows.start} to {rows.stop} and columns "
            f"{columns.start} to {columns.stop}: take a larger tile=, or tile=0 for one"
        )
    return attrs.evolve(sample, **{**cut, "name": NAME, "clean": None})


def _inner(size: Sequence[int], rows: slice, columns: slice, reach: int) -> Tensor:
    """0 at pixels of a part that look beyond its cut edges, and 1 elsewhere: ``(1, 1, h, w)``."""
    import torch

    inside = torch.zeros(1, 1, *size)
    height, width = size
    inside[..., _uncut(rows, height, reach), _uncut(columns, width, reach)] = 1
    return inside[..., rows, columns]


def _uncut(span: slice, length: int, reach: int) -> slice:
    """A span of a line of `length` pixels, without `reach` pixels at each end that is a cut."""
    first = span.start + reach if span.start > 0 else 0
    return slice(first, span.stop - reach if span.stop < length else length)
