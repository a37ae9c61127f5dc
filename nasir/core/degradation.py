"""What happens to a picture: forward operators A and noises, which make noise(A(x)) of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs

from nasir.core.errors import SettingsError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from nasir.core.operator import Operator

Size = tuple[int, int]
"""Height and width in pixels."""


@attrs.frozen(eq=False)
class Observation:
    """A degraded picture ``(1, C, h, w)`` and the operator that was drawn for it."""

    degraded: Tensor
    operator: Operator


class Degradation:
    """A :class:`ForwardOperator`, a :class:`Noise`, or several that ``+`` joins.

    A subclass is a frozen attrs class; its fields are its settings. All that is random is drawn
    from the generator that is passed, so that a picture is degraded in the same way in every trial.
    """

    scale: int = 1
    """How many times as large a clean picture is as the degraded one, on each side."""

    reach: int = 0
    """How far around a pixel its degraded value depends on the clean picture, in clean pixels.

    Patches to train on are degraded with so many pixels around them. It is a multiple of `scale`.
    """

    frame: int = 0
    """How many pixels along each border are not observed, in clean pixels."""

    borders: str = "mirrored"
    """What is beyond the borders: ``mirrored``, ``repeated`` or ``periodic``."""

    resizable: ClassVar[bool] = True
    """Whether a smaller copy of a degraded picture is degraded in the same way."""

    @property
    def parts(self) -> tuple[Degradation, ...]:
        """The degradations in the order in which they happen; one alone is its own only part."""
        return (self,)

    @property
    def operators(self) -> tuple[ForwardOperator, ...]:
        """The forward operators among the parts."""
        return tuple(part for part in self.parts if isinstance(part, ForwardOperator))

    @property
    def noises(self) -> tuple[Noise, ...]:
        """The noises among the parts."""
        return tuple(part for part in self.parts if isinstance(part, Noise))

    def varied(self, generator: np.random.Generator) -> Degradation:
        """The degradation of one patch to train on; itself by default.

        A setting that training draws from several values, such as a noise level, has one here.
        Raises :class:`~nasir.core.errors.SettingsError` where patches cannot be degraded.
        """
        return self

    def degrade_batch(self, clean: Tensor, generator: torch.Generator) -> Tensor | None:
        """Clean patches ``(N, C, H, W)``, each degraded with draws of its own on their device.

        As :meth:`varied` and :meth:`apply` do it; None, the default: not on batches.
        """
        return None

    def variance(self) -> tuple[float, float] | None:
        """The variance of white noise, a y + b of the value y, as a and b; None: it is none."""
        return None

    def elsewhere(self) -> Degradation:
        """The degradation of other pictures, where the user's come degraded; itself by default.

        A mask that belongs to the user's picture is a drawn one here.
        """
        return self

    def remarks(self) -> Sequence[str]:
        """What a user may not expect of the files that are its settings, a line each."""
        return ()

    def check(self, size: Size) -> None:
        """Refuse whole clean pictures of `size`, of which the middle may be cut out.

        Raises :class:`~nasir.core.errors.NasirError`.
        """
        for operator in self.operators:
            operator.check(size)
            size = (size[0] // operator.scale, size[1] // operator.scale)

    def output_size(self, size: Size) -> Size:
        """The size of a degraded picture, of a clean one of `size`.

        Raises :class:`~nasir.core.errors.SettingsError` where `size` does not fit.
        """
        for operator in self.operators:
            size = operator.output_size(size)
        return size

    def operator_for(self, size: Size, generator: np.random.Generator) -> Operator:
        """A, drawn for a clean picture of `size`; the identity where there is only noise."""
        from nasir.core.operator import Chain, Identity

        drawn = []
        for part in self.operators:
            drawn.append(part.operator(size, generator))
            size = part.output_size(size)
        return drawn[0] if len(drawn) == 1 else Chain(drawn) if drawn else Identity()

    def apply(self, clean: Tensor, generator: np.random.Generator) -> Observation:
        """noise(A(x)) of a clean picture x ``(1, C, H, W)`` in [0, 1].

        Pixels that are not observed have no noise.
        """
        import torch

        height, width = clean.shape[-2:]
        operator = self.operator_for((height, width), generator)
        without_noise = degraded = operator(clean)
        for noise in self.noises:
            degraded = noise.observe(degraded, generator)
        if operator.mask is not None and self.noises:
            degraded = torch.where(operator.mask > 0, degraded, without_noise)
        return Observation(degraded, operator)

    def __add__(self, other: Degradation) -> Degradation:
        if not isinstance(other, Degradation):
            return NotImplemented
        return Composition((*self.parts, *other.parts))


class ForwardOperator(Degradation, ABC):
    """What is known of how a picture is observed: a fit compares A(output) with what was seen."""

    leaves_out: bool = False
    """Whether the operator has a mask: whether pixels of its result are not observed."""

    unknown: str | None = None
    """What of A is drawn, so that pictures that come degraded do not say it; None: nothing.

    A phrase after "task.degraded=true wants to know": what it is, and which setting says it.
    """

    def check(self, size: Size) -> None:
        return None

    def output_size(self, size: Size) -> Size:
        height, width = size
        if height % self.scale or width % self.scale:
            raise SettingsError(
                f"{height} x {width} pixels cannot be divided by {self.scale}: take another "
                "scale or size"
            )
        return height // self.scale, width // self.scale

    @abstractmethod
    def operator(self, size: Size, generator: np.random.Generator) -> Operator:
        """A for a clean picture of `size`, with what is random about it drawn.

        Raises :class:`~nasir.core.errors.SettingsError` where `size` does not fit.
        """


class Noise(Degradation, ABC):
    """What a fit does not model: noise of a sensor, rain, what compression loses."""

    @abstractmethod
    def observe(self, y: Tensor, generator: np.random.Generator) -> Tensor:
        """What is seen of `y` ``(1, C, h, w)``: the same shape, float32; `y` is unchanged."""


@attrs.frozen
class Composition(Degradation):
    """Several degradations, the forward operators before the noises: noise(A(x))."""

    _parts: tuple[Degradation, ...]

    def __attrs_post_init__(self) -> None:
        kinds = [type(part).__name__ for part in self._parts]
        if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
            raise SettingsError(f"{twice} is joined with another {twice}: take one of them")
        for before, after in zip(self._parts, self._parts[1:], strict=False):
            if not isinstance(after, ForwardOperator):
                continue
            names = f"{type(after).__name__} cannot follow {type(before).__name__}"
            if isinstance(before, Noise):
                raise SettingsError(f"{names}: forward operators come before noise")
            if isinstance(before, ForwardOperator) and before.leaves_out and not after.leaves_out:
                raise SettingsError(
                    f"{names}, which leaves pixels unobserved: let such an operator be the last"
                )

    @property
    def parts(self) -> tuple[Degradation, ...]:
        return self._parts

    @property
    def scale(self) -> int:  # type: ignore[override]
        product = 1
        for part in self._parts:
            product *= part.scale
        return product

    @property
    def reach(self) -> int:  # type: ignore[override]
        reach = self._in_clean_pixels([part.reach for part in self._parts])
        return -(-reach // self.scale) * self.scale

    @property
    def frame(self) -> int:  # type: ignore[override]
        return self._in_clean_pixels([part.frame for part in self._parts])

    @property
    def borders(self) -> str:  # type: ignore[override]
        """As the first that looks around a pixel has them."""
        return next((part.borders for part in self._parts if part.reach), "mirrored")

    @property
    def resizable(self) -> bool:  # type: ignore[override]
        return all(part.resizable for part in self._parts)

    def varied(self, generator: np.random.Generator) -> Degradation:
        return Composition(tuple(part.varied(generator) for part in self._parts))

    def degrade_batch(self, clean: Tensor, generator: torch.Generator) -> Tensor | None:
        degraded: Tensor | None = clean
        for part in self._parts:
            degraded = None if degraded is None else part.degrade_batch(degraded, generator)
        return degraded

    def variance(self) -> tuple[float, float] | None:
        found = [part.variance() for part in self.parts]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            return None
        return sum(a for a, _ in known), sum(b for _, b in known)

    def elsewhere(self) -> Degradation:
        return Composition(tuple(part.elsewhere() for part in self._parts))

    def _in_clean_pixels(self, lengths: Sequence[int]) -> int:
        """The sum of lengths in the pixels of what each part sees."""
        total, scale = 0, 1
        for part, length in zip(self._parts, lengths, strict=True):
            total += scale * length
            scale *= part.scale
        return total
