"""Tasks that undo a degradation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, ClassVar

import attrs

from nasir.core.degradation import Degradation
from nasir.core.errors import NasirError, SettingsError
from nasir.core.search_space import Signature
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample, Split
from nasir.tasks.picture_task import PictureTask
from nasir.tasks.pictures.picture import Picture

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@attrs.define(slots=False)
class DegradationTask(PictureTask):
    """A task on pictures that a degradation degrades; a subclass says which.

    What is observed of a clean picture x is noise(A(x)); the loss of a fit compares A(output) with
    it where it was observed. A picture is degraded in the same way in every trial, split and order:
    what is drawn depends on `seed` and on its name.
    """

    stream: ClassVar[str] = "noise"
    """What the seed of a picture's degradation is made from, beside `seed` and the name."""

    def __attrs_post_init__(self) -> None:
        for operator in self.degrading().operators:
            if self.degraded and operator.unknown:
                raise SettingsError(f"to restore given pictures, say {operator.unknown}")

    @abstractmethod
    def degrading(self) -> Degradation:
        """The degradation that the task is about."""

    @property
    def factor(self) -> int:
        """How many times as large clean pictures are as degraded ones."""
        return self.degrading().scale

    @property
    def signature(self) -> Signature:
        """Alike are pictures of one size in which all pixels are observed."""
        operators = self.degrading().operators
        alike = self.factor == 1 and not any(operator.leaves_out for operator in operators)
        return attrs.evolve(super().signature, scale=self.factor, alike=alike)

    @property
    def usual_protocol(self) -> tuple[str, int]:
        """All channels, without the border that is not observed."""
        return "all", self.degrading().frame

    def remarks(self, split: Split | None = "search") -> Sequence[str]:
        own = (line for part in self.degrading().parts for line in part.remarks())
        return (*super().remarks(split), *own)

    def drawn(self, name: str) -> np.random.Generator:
        """What the degradation of the picture called `name` is drawn from."""
        import numpy as np

        return np.random.default_rng(derived_seed(self.seed, self.stream, name))

    def degrade(self, name: str, picture: Tensor) -> Sample:
        return self.observed(self.for_clean(), name, picture, self.drawn(name))

    def take(self, name: str, picture: Tensor) -> Sample:
        height, width = (self.factor * side for side in picture.shape[-2:])
        with naming(name):
            operator = self.degrading().operator_for((height, width), self.drawn(name))
        degraded = operator.blanked(picture)
        return Sample(name, degraded, None, operator.unmasked(), operator.mask, self._reach())

    def unrestored(self, sample: Sample) -> Tensor:
        """The degraded picture, enlarged by bicubic interpolation where it is smaller."""
        from nasir.tasks.physics.resampling import resized

        if self.factor == 1:
            return sample.degraded
        height, width = sample.degraded.shape[-2:]
        return resized(sample.degraded, self.factor * height, self.factor * width)

    def shrunk(self, sample: Sample, side: int) -> Sample:
        if not self.degrading().resizable:
            raise SettingsError(
                "a smaller copy of a picture is not blurred in the same way: fit to whole pictures"
            )
        return super().shrunk(sample, side)

    def for_clean(self) -> Degradation:
        """The degradation of clean pictures: of others than the given ones, if these are not."""
        degradation = self.degrading()
        return degradation.elsewhere() if self.degraded else degradation

    def observed(
        self, degradation: Degradation, name: str, picture: Tensor, generator: np.random.Generator
    ) -> Sample:
        """The sample of a clean picture, cut to a multiple of the factor and degraded."""
        height, width = self.multiples(picture.shape)
        clean = picture[..., :height, :width].contiguous()
        with naming(name):
            seen = degradation.apply(clean, generator)
        operator = seen.operator
        mask, reach = operator.mask, self._reach()
        return Sample(name, seen.degraded, clean, operator.unmasked(), mask, reach)

    def _reach(self) -> int:
        """How far a blur reaches, in degraded pixels."""
        operators = self.degrading().operators
        if all(operator.resizable for operator in operators):
            return 0
        return reduce(add, operators).reach // self.factor

    def multiples(self, shape: Sequence[int]) -> tuple[int, int]:
        """The largest height and width that the factor divides."""
        height, width = (side // self.factor * self.factor for side in shape[-2:])
        return height, width

    def _check(self, picture: Picture, split: Split) -> None:
        taken = self.is_taken(split)
        degradation, factor = (self.degrading(), self.factor) if taken else (self.for_clean(), 1)
        height, width = (factor * side for side in picture.shape[:2])
        with naming(picture.name):
            degradation.check((height, width))


@contextmanager
def naming(picture: str) -> Iterator[None]:
    """Begin the messages of what is refused with the name of the picture."""
    try:
        yield
    except NasirError as error:
        raise type(error)(f"{picture}: {error}") from None
