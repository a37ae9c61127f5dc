"""Pictures that are held on a device, where batches of patches are cut out of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import attrs
import numpy as np
import torch
from torch import Tensor

from nasir.core.degradation import Degradation
from nasir.core.task import ResidentPatches
from nasir.settings.machine import usable_cores


@attrs.frozen(eq=False)
class Album:
    """Pictures of any sizes in one tensor ``(pixels, C)``, on a device."""

    pixels: Tensor
    starts: Tensor
    widths: Tensor
    heights: Tensor

    @classmethod
    def of(cls, pictures: Sequence[Tensor], device: str) -> Album:
        """The album of pictures ``(1, C, H, W)``: in 8 bits if these hold them, else in 16."""
        exact = all(_eight_bits(picture) for picture in pictures)
        rows = [_rows(picture, exact) for picture in pictures]
        sizes = torch.tensor([picture.shape[-2:] for picture in pictures])
        areas = sizes.prod(1)
        starts = areas.cumsum(0) - areas
        heights, widths = sizes.unbind(1)
        return cls(*(x.to(device) for x in (torch.cat(rows), starts, widths, heights)))

    def squares(self, chosen: Tensor, tops: Tensor, lefts: Tensor, places: Tensor) -> Tensor:
        """``(N, C, side, side)`` float32, out of the pictures `chosen`.

        `places` ``(N, 2, side, side)`` are the row and the column of each pixel in its square.
        """
        rows = tops.view(-1, 1, 1) + places[:, 0]
        columns = lefts.view(-1, 1, 1) + places[:, 1]
        index = self.starts[chosen].view(-1, 1, 1) + rows * self.widths[chosen].view(-1, 1, 1)
        taken = self.pixels[index + columns].permute(0, 3, 1, 2)
        return taken.float() / 255 if taken.dtype == torch.uint8 else taken.float()


@attrs.frozen(eq=False)
class ResidentPictures(ResidentPatches):
    """Patches of pictures on a device, turned and degraded there.

    `clean` has each picture once. `degraded` has `versions` of each, one after another, or is None
    where `degradation` degrades batches, each patch anew; such patches have borders of their own
    only if the degradation looks around a pixel, which those on batches do not.
    """

    clean: Album
    degraded: Album | None
    degradation: Degradation
    versions: int
    turns: tuple[int, ...]

    def batch(self, seed: int, count: int, side: int) -> tuple[Tensor, Tensor]:
        device = self.clean.pixels.device
        generator = torch.Generator(device).manual_seed(seed)
        scale = self.degradation.scale

        def drawn(below: Tensor) -> Tensor:
            share = torch.rand(count, generator=generator, device=device, dtype=torch.float64)
            return (share * below).long()

        number = torch.tensor(len(self.clean.starts), device=device)
        chosen = drawn(number)
        tops = drawn(self.clean.heights[chosen] // scale - side + 1)
        lefts = drawn(self.clean.widths[chosen] // scale - side + 1)
        turns = torch.tensor(self.turns, device=device)
        turns = turns[drawn(torch.tensor(len(self.turns), device=device))]
        large = turned_places(scale * side, device)[turns]
        clean = self.clean.squares(chosen, scale * tops, scale * lefts, large)
        if self.degraded is None:
            degraded = self.degradation.degrade_batch(clean, generator)
            assert degraded is not None, "a degradation of batches stays one"
            return degraded, clean
        version = self.versions * chosen + drawn(torch.tensor(self.versions, device=device))
        small = turned_places(side, device)[turns]
        return self.degraded.squares(version, tops, lefts, small), clean


def resident(
    observed: Sequence[Callable[[int], Tensor]],
    clean: Sequence[Tensor],
    degradation: Degradation,
    versions: int,
    turns: tuple[int, ...],
    device: str,
) -> ResidentPictures:
    """Hold `clean` pictures and, where the degradation needs them, `versions` of each."""
    album = Album.of(clean, device)
    probe = clean[0][..., :1, :1].to(device)
    generator = torch.Generator(device).manual_seed(0)
    if degradation.degrade_batch(probe, generator) is not None:
        return ResidentPictures(album, None, degradation, 0, turns)
    jobs = [(make, version) for make in observed for version in range(versions)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(usable_cores(), thread_name_prefix="degrade") as pool:
            made = list(pool.map(lambda job: job[0](job[1]), jobs))
    finally:
        torch.set_num_threads(threads)
    return ResidentPictures(album, Album.of(made, device), degradation, versions, turns)


_PLACES: dict[tuple[int, torch.device], Tensor] = {}


def turned_places(side: int, device: torch.device) -> Tensor:
    """``(8, 2, side, side)``: where each pixel of a turned square comes from, for all turns.

    Turns are quarter turns, and 4 more for a flip from left to right after them.
    """
    if (side, device) not in _PLACES:
        place = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"))
        quarters = [np.rot90(place, turn, (1, 2)) for turn in range(4)]
        all_turns = np.stack([*quarters, *(quarter[..., ::-1] for quarter in quarters)])
        _PLACES[side, device] = torch.from_numpy(np.ascontiguousarray(all_turns)).to(device)
    return _PLACES[side, device]


def _eight_bits(x: Tensor) -> bool:
    whole = x * 255
    return bool(x.min() >= 0 and x.max() <= 1 and (whole - whole.round()).abs().max() < 1e-3)


def _rows(x: Tensor, exact: bool) -> Tensor:
    rows = x[0].flatten(1).T
    return (rows * 255).round().to(torch.uint8) if exact else rows.half()
