"""Pictures to train on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nasir.core.errors import SettingsError
from nasir.core.task import Sample

if TYPE_CHECKING:
    from torch import Tensor


class Patches(ABC):
    """Pictures by name, and pairs of degraded and clean patches that are cut out of them."""

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """The pictures, each name once."""

    @property
    @abstractmethod
    def largest_side(self) -> int:
        """The largest side of a degraded patch that every picture has, in pixels."""

    @abstractmethod
    def batch(self, seed: int, count: int, side: int) -> tuple[Tensor, Tensor]:
        """`count` pairs, drawn from `seed` and nothing else.

        Degraded ``(count, C, side, side)`` and clean ``(count, C, scale side, scale side)``,
        float32, the clean ones in [0, 1]; place, rotation, flip and degradation are drawn anew
        for each. Threads may call it at the same time.
        """

    @abstractmethod
    def sample(self, name: str) -> Sample:
        """The whole picture called `name`, degraded in the same way every time."""

    @abstractmethod
    def only(self, names: Sequence[str]) -> Patches:
        """The patches of some of the pictures."""


def divided(patches: Patches, shares: Sequence[float], seed: int) -> list[Patches]:
    """Disjoint parts with these shares of the pictures, drawn from `seed`; together all.

    Raises :class:`~nasir.core.errors.SettingsError` where there are fewer pictures than parts;
    a part with a share above 0 has one picture at least, and one with 0 has none.
    """
    import numpy as np

    names = list(patches.names)
    wanted = sum(share > 0 for share in shares)
    if len(names) < wanted:
        raise SettingsError(
            f"{len(names)} pictures cannot be divided into {wanted} parts (validation and "
            "training): give more with task.images"
        )
    order = np.random.default_rng(seed).permutation(len(names))
    sizes = _sizes(shares, len(names))
    ends = np.cumsum(sizes)
    places = (order[end - size : end] for size, end in zip(sizes, ends, strict=True))
    return [patches.only([names[i] for i in sorted(some)]) for some in places]


def _sizes(shares: Sequence[float], count: int) -> list[int]:
    """How many of `count` pictures each part has: rounded, the largest takes what is left."""
    sizes = [max(1, round(share / sum(shares) * count)) if share > 0 else 0 for share in shares]
    while sum(sizes) != count:
        largest = max(range(len(sizes)), key=lambda i: (sizes[i], -i))
        sizes[largest] += 1 if sum(sizes) < count else -1
    return sizes
