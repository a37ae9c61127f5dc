"""Candidates compared by known pixels that were hidden from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from nasir.apps.restore.risk import Risks
from nasir.apps.restore.tiles import cut
from nasir.apps.restore.window import part
from nasir.core.errors import SettingsError
from nasir.kernels.filling import radius

if TYPE_CHECKING:
    from torch import Tensor

    from nasir.apps.restore.trained import RestorePart
    from nasir.core.method import Method
    from nasir.core.task import Sample, Task

    Array = np.ndarray[Any, np.dtype[Any]]

SIDE, LARGEST, PARTS = 256, 768, 2
"""Pixels of a side at least and at most, and number, of the parts to compare candidates on."""

WIDE = 8
"""A hole shows whether it has texture if a pixel is so far from a known one, in pixels."""

RADII = 6
"""Parts have so many radii of the largest hole a side: room for the hole and a copy of it."""


@attrs.frozen(eq=False)
class HiddenPixels:
    """A part of a picture as it is, and with some of its known pixels hidden."""

    whole: Sample
    hidden: Sample

    @property
    def places(self) -> Array:
        """Where pixels are hidden: ``(H, W)``."""
        assert self.whole.mask is not None
        assert self.hidden.mask is not None
        return ((self.whole.mask >= 1) & (self.hidden.mask < 1))[0, 0].numpy()

    def errors(self, restored: Tensor) -> Array:
        """The squared errors ``(C, N)`` of ``(1, C, H, W)`` at the hidden pixels."""
        error = (restored - self.whole.degraded)[0].double().numpy()[:, self.places]
        squares: Array = error**2
        return squares


def hide(task: Task, sample: Sample) -> list[HiddenPixels]:
    """The parts of `sample` with most to fill in and to compare with, with pixels hidden there.

    None where no pixel can be hidden.
    """
    assert sample.mask is not None
    height, width = sample.degraded.shape[-2:]
    tiles = cut(height, width, _side(sample.mask), 0)
    missing = [float((sample.mask[..., t.rows, t.columns] < 1).float().mean()) for t in tiles]
    best = sorted(range(len(tiles)), key=lambda n: -min(missing[n], 1 - missing[n]))[:PARTS]
    parts = [part(sample, tiles[n].rows, tiles[n].columns) for n in best if 0 < missing[n] < 1]
    found = [HiddenPixels(one, task.concealed(one)) for one in parts]
    return [one for one in found if one.places.any()]


def hidden_risks(candidates: Mapping[str, RestorePart], parts: list[HiddenPixels]) -> Risks:
    """The mean squared error of each candidate at the pixels that are hidden from it.

    A candidate that refuses the parts is left out; the first one must not.
    """
    found: dict[str, float] = {}
    for name, restore_part in candidates.items():
        try:
            errors = [one.errors(restore_part(one.hidden)) for one in parts]
        except SettingsError:
            if not found:
                raise
            continue
        found[name] = float(np.concatenate(errors, axis=1).mean())
    return Risks(found)


def _side(mask: Tensor) -> int:
    """The side of parts in which a hole as large as the largest can be hidden, within limits."""
    return int(min(LARGEST, max(SIDE, RADII * radius(mask >= 1))))


def is_wide(mask: Tensor) -> bool:
    """Whether the largest hole of a mask ``(1, 1, H, W)`` shows whether it has texture."""
    return radius(mask >= 1) > WIDE


def texture_instead(risks: Risks, classical: Mapping[str, Method]) -> str | None:
    """The method that makes up texture, where that is better to look at than the nearest one.

    If its error is at most twice the least: what looks as the truth does can have twice the squared
    error of the best estimate, which is a mean of all that may be, and so is blurred (Blau and
    Michaeli 2018, section 4).
    """
    found, least = risks.by_candidate, risks.by_candidate[risks.best]
    textured = [name for name in found if name in classical and classical[name].textured]
    best = min(textured, key=found.__getitem__, default=risks.best)
    return best if best != risks.best and found[best] <= 2 * least else None
