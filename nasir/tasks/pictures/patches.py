"""Patches that are cut out of pictures at random."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor

from nasir.core.degradation import Degradation
from nasir.core.errors import SettingsError, unknown_name
from nasir.core.task import Patches, ResidentPatches, Sample
from nasir.tasks.physics.borders import window
from nasir.tasks.pictures.picture import Picture

Array = np.ndarray[Any, Any]

Planes = tuple[Array, Array | None]
"""Clean ``(C, sH, sW)`` and degraded ``(C, H, W)``, uint8 of 255 or float32; None: drawn anew."""

TURNS = {"all": tuple(range(8)), "mirror": (0, 4), "none": (0,)}
"""Quarter turns, and 4 more for a flip from left to right, that patches are drawn in."""


class Memory:
    """Pictures in memory up to a limit in bytes; the others are read whenever they are wanted."""

    def __init__(self, read: Callable[[Picture], Planes], limit: float) -> None:
        self._read, self._limit = read, limit
        self._held: dict[str, Planes] = {}
        self._bytes = 0
        self.resident: dict[Any, ResidentPatches | None] = {}
        self._lock = threading.Lock()

    def of(self, picture: Picture) -> Planes:
        """The planes of a picture, the same whether they are held or not."""
        if picture.name in self._held:
            return self._held[picture.name]
        planes = self._read(picture)
        size = sum(plane.nbytes for plane in planes if plane is not None)
        with self._lock:
            if picture.name not in self._held and self._bytes + size <= self._limit:
                self._held[picture.name] = planes
                self._bytes += size
        return planes


@attrs.frozen(eq=False)
class PicturePatches(Patches):
    """Patches of `pictures`, whose clean side is the degradation's scale times the degraded one's.

    `turns` is of :data:`TURNS`, and `memory` holds the pictures. Where a picture comes without a
    degraded one, `degradation` degrades a clean patch with what is around it in the picture, so
    that no patch has borders of its own. `whole` makes the sample of a picture, and versions of it
    are `drawn` from their names.
    """

    pictures: Sequence[Picture]
    degradation: Degradation
    turns: str
    memory: Memory
    whole: Callable[[Picture], Sample]
    drawn: Callable[[str], np.random.Generator]
    _sides: dict[str, int] = attrs.field(init=False)

    @_sides.default
    def _shorter_sides(self) -> dict[str, int]:
        return {p.name: min(p.shape[:2]) // self.scale for p in self.pictures}

    @property
    def scale(self) -> int:
        """How many times as large clean pictures are as degraded ones."""
        return self.degradation.scale

    @property
    def names(self) -> Sequence[str]:
        return [picture.name for picture in self.pictures]

    @property
    def largest_side(self) -> int:
        return min(self._sides.values(), default=0)

    def batch(self, seed: int, count: int, side: int) -> tuple[Tensor, Tensor]:
        self._check(side)
        generator = np.random.default_rng(seed)
        degraded, clean = zip(*(self._pair(side, generator) for _ in range(count)), strict=True)
        return torch.cat(degraded), torch.cat(clean)

    def resident(self, device: str, versions: int) -> ResidentPatches | None:
        key = (device, versions, tuple(self.names))
        if key not in self.memory.resident:
            self.memory.resident.clear()
            self.memory.resident[key] = self._resident(device, versions)
        return self.memory.resident[key]

    def _resident(self, device: str, versions: int) -> ResidentPatches | None:
        from nasir.tasks.pictures.resident import resident

        self._check(1)
        planes = [self.memory.of(picture) for picture in self.pictures]
        clean = [_whole(plane) for plane, _ in planes]
        given = [degraded for _, degraded in planes]
        if None not in given:
            observed = [partial(_given, plane) for plane in given if plane is not None]
            versions = 1
        elif any(plane is not None for plane in given):
            return None
        else:
            names = [picture.name for picture in self.pictures]
            pairs = zip(clean, names, strict=True)
            observed = [partial(self._version, x, name) for x, name in pairs]
        turns = TURNS[self.turns]
        degradation = self.degradation
        return resident(observed, clean, degradation, versions, turns, device)

    def _version(self, clean: Tensor, name: str, version: int) -> Tensor:
        """One degraded version of a whole picture."""
        generator = self.drawn(f"{name} {version}")
        return self.degradation.varied(generator).apply(clean, generator).degraded

    def sample(self, name: str) -> Sample:
        return self.whole(self._named(name))

    def only(self, names: Sequence[str]) -> PicturePatches:
        return attrs.evolve(self, pictures=[self._named(name) for name in names])

    def _named(self, name: str) -> Picture:
        for picture in self.pictures:
            if picture.name == name:
                return picture
        raise unknown_name("training picture", name, self.names)

    def _check(self, side: int) -> None:
        if not self.pictures:
            raise SettingsError("there are no pictures to cut patches from: give task.images more")
        if not 1 <= side <= self.largest_side:
            smallest = min(self._sides, key=lambda name: self._sides[name])
            raise SettingsError(
                f"patches of {side} pixels cannot be cut: the smallest picture, {smallest}, has "
                f"patches of 1 to {self.largest_side} pixels"
            )

    def _pair(self, side: int, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        picture = self.pictures[int(generator.integers(len(self.pictures)))]
        clean, degraded = self.memory.of(picture)
        height, width = (size // self.scale for size in clean.shape[-2:])
        top = int(generator.integers(height - side + 1))
        left = int(generator.integers(width - side + 1))
        turns = TURNS[self.turns]
        turn = turns[int(generator.integers(len(turns)))]
        top, left, large = (self.scale * length for length in (top, left, side))
        if degraded is not None:
            small = window(degraded, top // self.scale, left // self.scale, side, 0, "")
            return _turned(small, turn), _turned(window(clean, top, left, large, 0, ""), turn)
        degradation = self.degradation.varied(generator)
        reach = degradation.reach
        around = _turned(window(clean, top, left, large, reach, degradation.borders), turn)
        seen = degradation.apply(around, generator).degraded
        return _middle(seen, reach // self.scale), _middle(around, reach)


def eight_bits(x: Tensor) -> Array:
    """``(1, C, H, W)`` in [0, 1] as ``(C, H, W)`` of 255."""
    return (x[0] * 255).round().to(torch.uint8).numpy()


def _whole(plane: Array) -> Tensor:
    """``(C, H, W)`` as ``(1, C, H, W)`` float32."""
    x = torch.from_numpy(np.ascontiguousarray(plane))[None]
    return x.float() / 255 if x.dtype == torch.uint8 else x


def _given(plane: Array, version: int) -> Tensor:
    """A degraded picture that came with its clean one: the only version."""
    return _whole(plane)


def _middle(x: Tensor, reach: int) -> Tensor:
    return x[..., reach:-reach, reach:-reach] if reach else x


def _turned(square: Array, turn: int) -> Tensor:
    """``(C, side, side)`` turned as :data:`TURNS` says: ``(1, C, side, side)`` float32."""
    turned = np.rot90(square, turn % 4, (1, 2))
    turned = turned[..., ::-1] if turn >= 4 else turned
    return _whole(turned)
