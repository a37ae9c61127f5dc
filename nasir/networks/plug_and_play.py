"""Filling in missing pixels with a trained denoiser as the prior."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.method import Method
from nasir.core.progress import is_over, report
from nasir.core.task import Sample, Task
from nasir.networks.prior import load_prior, prior_setting

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

    Part = tuple[slice, slice]
    Block = tuple[Part, Part, Part]

BLOCKS, MARGIN = (96, 192, 384), 32
"""Sides of the parts that the network is applied to, to choose from, and what it sees around."""

RADIUS, SMALLEST = 3, 32
"""The pyramid ends where no missing pixel is farther from a known one, in pixels, or where the
picture would have a shorter side."""


@attrs.define
class PlugAndPlay(Method):
    """Fills in missing pixels with what a denoiser that was trained for white noise expects there.

    In the hole x becomes D(x + n), with n from N(0, s^2), and known pixels stay, while s falls
    geometrically from `first` to `last`; the result is the mean over the last third. This is
    stochastic denoising regularisation (Renaud, Prost, Leclaire and Papadakis 2024, algorithm 1)
    with a full step and exact data. It begins on a pyramid: at the scale where holes are a few
    pixels wide, from a harmonic surface; each scale starts from the coarser one, joined to what is
    known without a seam.

    Observed pixels do not change. Where the mask is between 0 and 1, what was observed and what is
    filled in are blended. Time and memory go with the size of the holes' surroundings. Where it is
    ended early, scales that were not reached are enlarged from the coarser ones.
    """

    ends_early = True

    network: str | None = prior_setting()
    steps: int = setting(15, "steps at each scale, >= 1", must.ge(1))
    coarsest: float = setting(50.0, "s of 255 at the coarsest scale's start, > 0", must.gt(0))
    first: float = setting(25.0, "s of 255 at the other scales' starts, > 0", must.gt(0))
    last: float = setting(5.0, "s of 255 at the end of each scale, > 0", must.gt(0))
    seed: int = setting(0, "what the noise is drawn from, >= 0", must.ge(0))

    def restore(self, sample: Sample, task: Task) -> Tensor:
        from nasir.kernels.filling import around, fill_around

        surroundings = partial(around, margin=2 * MARGIN, as_long=False)
        return fill_around(sample, "plug_and_play", surroundings, self._filled)

    def _filled(self, picture: Tensor, known: Tensor) -> Tensor:
        """``(1, C, H, W)`` with its hole filled, from the coarsest scale to the finest."""
        import torch
        import torch.nn.functional as F

        from nasir.kernels.filling import halved, joined, radius

        denoiser, scales = load_prior(self.network, picture.shape[1]), [(picture, known)]
        while radius(scales[-1][1]) > RADIUS and min(scales[-1][1].shape[-2:]) >= 2 * SMALLEST:
            coarser = halved(*scales[-1])
            if not coarser[1].any():
                break
            scales.append(coarser)
        generator = torch.Generator().manual_seed(self.seed)
        x, begin = torch.zeros_like(scales[-1][0]), self.coarsest
        for seen, there in reversed(scales):
            height, width = there.shape[-2:]
            if x.shape != seen.shape:
                x = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
            x = joined(x[..., :height, :width], seen, there.to(seen.dtype))
            x = self._refined(x, seen, there, denoiser, begin, generator)
            begin = self.first
        return x.clamp(0, 1)

    def _refined(
        self,
        x: Tensor,
        seen: Tensor,
        known: Tensor,
        denoiser: nn.Module,
        begin: float,
        generator: Generator,
    ) -> Tensor:
        """What the steps at one scale make of `x`."""
        import torch

        parts, steps = _blocks(known), self.steps
        mean, averaged = torch.zeros_like(x), max(1, steps // 3)
        for step in range(steps):
            if is_over():
                return mean * averaged / (step - steps + averaged) if step > steps - averaged else x
            s = begin * (self.last / begin) ** (step / max(1, steps - 1)) / 255
            noisy = x + s * torch.randn(x.shape, generator=generator)
            x = seen.clone()
            for inner, outer, within in parts:
                denoised = denoiser(noisy[(..., *outer)])[(..., *within)]
                x[(..., *inner)] = torch.where(known[(..., *inner)], seen[(..., *inner)], denoised)
            if step >= steps - averaged:
                mean += x / averaged
            report(step + 1, steps)
        return mean


def _blocks(known: Tensor) -> list[Block]:
    """The blocks with missing pixels, of the side with which the network sees fewest pixels."""
    divisions = [list(_blocks_of(side, known)) for side in BLOCKS]
    height, width = known.shape[-2:]
    return min(
        divisions,
        key=lambda blocks: sum(
            len(range(height)[rows]) * len(range(width)[columns])
            for _, (rows, columns), _ in blocks
        ),
    )


def _blocks_of(side: int, known: Tensor) -> Iterator[Block]:
    """The blocks with missing pixels: each alone, with its margin, and where it is in that."""
    height, width = known.shape[-2:]
    for top in range(0, height, side):
        for left in range(0, width, side):
            inner = slice(top, min(height, top + side)), slice(left, min(width, left + side))
            if known[(..., *inner)].all():
                continue
            outer = tuple(slice(max(0, one.start - MARGIN), one.stop + MARGIN) for one in inner)
            within = tuple(
                slice(one.start - around.start, one.stop - around.start)
                for one, around in zip(inner, outer, strict=True)
            )
            yield inner, (outer[0], outer[1]), (within[0], within[1])
