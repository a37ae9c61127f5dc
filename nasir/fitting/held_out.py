"""Keeping pixels out of a fit, to measure it by."""

from __future__ import annotations

import attrs
import numpy as np
import torch

from nasir.core.errors import PictureError
from nasir.core.task import Sample


def divide_pixels(sample: Sample, share: float, seed: int) -> tuple[Sample, Sample]:
    """The sample without a random share of its observed pixels, and with these alone."""
    size = sample.degraded.shape[-2:]
    generator = np.random.default_rng(seed)
    kept = torch.from_numpy(generator.random(size) >= share).to(sample.degraded)[None, None]
    observed = kept.new_ones(1, 1, *size) if sample.mask is None else sample.mask
    inside, outside = observed * kept, observed * (1 - kept)
    if not (inside.any() and outside.any()):
        raise PictureError(
            f"{sample.name} has too few observed pixels to keep {share} of them out: use "
            "evaluator.reward=psnr and another evaluator.stop"
        )
    return attrs.evolve(sample, mask=inside), attrs.evolve(sample, mask=outside)
