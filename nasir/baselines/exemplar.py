"""Inpainting with patches of the picture itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.method import Method
from nasir.core.progress import is_over, report
from nasir.core.task import Sample, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Generator, Tensor

MARGIN = 64
"""Patches come from so many pixels around the holes, or from as many as these are long."""

RADIUS, SMALLEST = 3, 40
"""The pyramid ends where no missing pixel is farther from a known one, in pixels, or where the
picture would have half of so short a side."""

FEWEST = 100
"""The pyramid ends where fewer patches than this are known."""


@attrs.define
class Exemplar(Method):
    """Fills in missing pixels with patches of 7 x 7 pixels of the picture itself.

    On a pyramid, from coarse to fine, each patch at a hole gets the known patch that is most like
    it (PatchMatch, Barnes et al. 2009), and each missing pixel the mean of what these have there,
    in turn (Wexler, Shechtman and Irani 2007; Newson et al. 2014, whose features of texture keep
    smooth patches out of textured holes). It continues texture and lines, where other methods
    blur; what is nowhere in the picture, such as half of a face, it cannot know.

    Observed pixels do not change. Where the mask is between 0 and 1, what was observed and what is
    filled in are blended. Where it is ended early, the finer scales are not refined.
    """

    ends_early = True
    textured = True

    rounds: int = setting(8, "rounds at the second scale; finer ones have fewer, >= 2", must.ge(2))
    texture: float = setting(10.0, "weight of the features of texture, >= 0", must.ge(0))
    seed: int = setting(0, "what the search for patches is drawn from, >= 0", must.ge(0))

    def restore(self, sample: Sample, task: Task) -> Tensor:
        from nasir.kernels.filling import around, fill_around

        fill = partial(self._filled, name=sample.name)
        return fill_around(sample, "exemplar", partial(around, margin=MARGIN), fill)

    def _filled(self, picture: Tensor, known: Tensor, name: str) -> Tensor:
        """``(1, C, H, W)`` with its hole filled, from the coarsest scale to the finest."""
        import torch

        from nasir.kernels.patch_match import PatchField

        channels, scales = picture.shape[1], _pyramid(picture, known, self.texture)
        generator, coarser = torch.Generator().manual_seed(self.seed), None
        for number, (seen, there) in enumerate(reversed(scales)):
            field = PatchField(seen[0], ~there[0, 0])
            if not field.known.any():
                raise SettingsError(
                    f"method=exemplar wants a known patch of 7 x 7 pixels, and {name} has none: "
                    "take another method (nasir list methods)"
                )
            improve: Callable[[Generator], None]
            if coarser is None:
                field.begin(generator)
                improve, rounds = field.find, 2 * self.rounds
            else:
                field.follow(coarser)
                improve, rounds = field.search, max(2, self.rounds - 2 * number)
            for _ in range(rounds):
                if is_over():
                    break
                improve(generator)
                field.fill()
            report(number + 1, len(scales))
            coarser = field
        return torch.where(known, picture, field.picture[None, :channels].clamp(0, 1))


def _pyramid(picture: Tensor, known: Tensor, weight: float) -> list[tuple[Tensor, Tensor]]:
    """Picture, with features, and what is known of it, from the finest scale to the coarsest."""
    import torch

    from nasir.kernels.filling import halved, radius

    plain = [(picture, known)]
    while radius(plain[-1][1]) > RADIUS and min(plain[-1][1].shape[-2:]) >= SMALLEST:
        coarser = halved(*plain[-1])
        if _known_patches(coarser[1]) < FEWEST:
            break
        plain.append(coarser)
    features = weight**0.5 * texture(picture, known, 2 * 2 ** (len(plain) - 1) + 1)
    scales = [(torch.cat([picture, features], 1), known)]
    for _ in plain[1:]:
        scales.append(halved(*scales[-1]))
    return scales


def _known_patches(known: Tensor) -> int:
    import torch.nn.functional as F

    from nasir.kernels.patch_match import SIDE

    if min(known.shape[-2:]) < SIDE:
        return 0
    return int((F.max_pool2d((~known).float(), SIDE, 1) == 0).sum())


def texture(picture: Tensor, known: Tensor, window: int) -> Tensor:
    """Mean absolute differences of neighbours in a row and in a column: ``(1, 2, H, W)``.

    Over what is known in `window` x `window` pixels (Newson et al. 2014, equation 5); 0 in holes.
    """
    import torch
    import torch.nn.functional as F

    features = []
    for dim, pad in ((3, (0, 1, 0, 0)), (2, (0, 0, 0, 1))):
        length = picture.shape[dim] - 1
        difference = picture.diff(dim=dim).abs().mean(1, keepdim=True)
        both = (known.narrow(dim, 1, length) & known.narrow(dim, 0, length)).to(picture.dtype)
        sums = [
            F.avg_pool2d(F.pad(one, pad), window, 1, window // 2)
            for one in (difference * both, both)
        ]
        features.append(sums[0] / sums[1].clamp(min=1e-6))
    return torch.cat(features, 1) * known
