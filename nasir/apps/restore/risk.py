"""How far restored pictures are from the truth, estimated without it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from nasir.apps.restore.trained import RestorePart
from nasir.apps.restore.window import part
from nasir.core.task import Sample

if TYPE_CHECKING:
    from torch import Tensor

SIDE, PLACES = 96, ((0.1, 0.6), (0.4, 0.1), (0.6, 0.9), (0.9, 0.4))
"""Pixels of a side of the parts of a picture on which a risk is estimated, and where these are, of
all rows and columns: no two in the same."""

PROBE = 0.1
"""Size of the probe of the divergence, in sigmas of the noise."""

SURROUNDINGS, MARGIN, LEAST_SHARE = 7, 2.5, 0.05
"""Pixels a side of what is averaged, the distance from 0 and 1 in sigmas, and the share of pixels
that must be so far from them, lest all be taken."""

ACCURACY = 0.05
"""Share of the variance of the noise below which a risk cannot be told from none: the level of the
noise is known to 3 parts in 100."""

INPUT = "input"
"""What the degraded picture itself is called."""


@attrs.frozen
class Risks:
    """Estimated mean squared errors, of values in [0, 1], by candidate; `least` is the accuracy."""

    by_candidate: Mapping[str, float]
    least: float = 1e-6

    @property
    def best(self) -> str:
        """The candidate of the least risk; of equal ones the first."""
        return min(self.by_candidate, key=self.by_candidate.__getitem__)

    @property
    def words(self) -> str:
        """The expected PSNR of each candidate, in a line."""
        found = self.by_candidate.items()
        return ", ".join(f"{name} {psnr(risk, self.least)}" for name, risk in found)


def psnr(risk: float, least: float = 1e-6) -> str:
    """The PSNR in dB of a mean squared error; estimates may fall below the `least` that count."""
    value = f"{-10 * math.log10(max(risk, least)):.1f} dB"
    return value if risk > least else f"above {value}"


def risks_of(candidates: Mapping[str, RestorePart], sample: Sample, sigma: float) -> Risks:
    """The risks of candidates, and of the degraded picture, for white noise of `sigma` in [0, 1].

    The means over a few parts of the picture, which are spread over it.
    """
    parts = _some_parts(sample)
    found = {INPUT: sigma**2}
    for name, restore_part in candidates.items():
        every = [sure(restore_part, one, sigma) for one in parts]
        found[name] = sum(every) / len(every)
    return Risks({name: found[name] for name in [*candidates, INPUT]}, ACCURACY * sigma**2)


def sure(restore_part: RestorePart, sample: Sample, sigma: float) -> float:
    """Stein's unbiased risk estimate of f(y), of y = x + n with n from N(0, sigma^2).

    E |f(y) - x|^2 / N = E |f(y) - y|^2 / N - sigma^2 + 2 sigma^2 div f(y) / N (Stein 1981), the
    divergence by one random probe b of +-1: b . (f(y + e b) - f(y)) / e (Ramani, Blu and Unser
    2008, equation 12).
    """
    import torch

    y = sample.degraded
    generator = torch.Generator().manual_seed(0)
    b = torch.randint(0, 2, y.shape, generator=generator, dtype=torch.float32) * 2 - 1
    epsilon = PROBE * sigma
    at = restore_part(sample)
    beside = restore_part(attrs.evolve(sample, degraded=y + epsilon * b))
    unclipped = _unclipped(y, sigma)
    divergence = _mean(b * (beside - at), unclipped) / epsilon
    return _mean((at - y) ** 2, unclipped) - sigma**2 + 2 * sigma**2 * divergence


def _mean(values: Tensor, weights: Tensor) -> float:
    return ((values * weights).double().sum() / weights.double().sum()).item()


def _unclipped(y: Tensor, sigma: float) -> Tensor:
    """1 where noise does not reach the ends of [0, 1], by the mean of the surroundings, else 0.

    Where a file has clipped it, it is weaker than `sigma`, and the estimate too low.
    """
    import torch.nn.functional as F

    mean = F.avg_pool2d(y, SURROUNDINGS, 1, SURROUNDINGS // 2, count_include_pad=False)
    margin = MARGIN * sigma
    inside = ((mean > margin) & (mean < 1 - margin)).to(y.dtype)
    return inside if inside.mean() >= LEAST_SHARE else inside.new_ones(inside.shape)


def _some_parts(sample: Sample) -> list[Sample]:
    height, width = sample.degraded.shape[-2:]
    return [part(sample, _span(height, row), _span(width, column)) for row, column in PLACES]


def _span(length: int, place: float) -> slice:
    side = min(SIDE, length)
    start = round(place * (length - side))
    return slice(start, start + side)
