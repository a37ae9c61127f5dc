"""Light transport Z = T L: hidden videos, what is seen of them, and how factors are compared."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor

from nasir.core.metrics import psnr

TRACKS = ((1.0, 0.02), (0.6, 0.05), (0.35, 0.08))
"""Brightness, and half the width over the height, of the things that move in a hidden video."""

VALUES = 1e-4
"""Weight of the values beside their differences, in the loss of CompMirror."""


def tracks(rng: np.random.Generator, size: int) -> Tensor:
    """Things that move along a line: ``(1, 1, size, size)`` in [0, 1], place by time.

    Each goes along a random sum of slow waves; the brighter is in front.
    """
    time, place = np.linspace(0, 1, size), np.linspace(0, 1, size)[:, None]
    video = np.zeros((size, size))
    for brightness, reach in TRACKS:
        waves = [
            rng.normal(0, 0.25 / k) * np.sin(2 * np.pi * (k * time + rng.random()))
            for k in range(1, 5)
        ]
        path = (0.5 + np.sum(waves, axis=0)).clip(0, 1)
        video = np.maximum(video, brightness * (np.abs(place - path) <= max(reach, 0.5 / size)))
    return torch.from_numpy(video.astype(np.float32))[None, None]


def averaged(x: Tensor, height: int, width: int) -> Tensor:
    """A picture ``(1, 1, H, W)`` at another size, with anti-aliasing."""
    size = (height, width)
    return F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=True)


def shipped(name: str) -> Tensor:
    """A grey picture that scikit-image carries: ``(1, 1, H, W)`` in [0, 1]."""
    picture = (getattr(data, name)() / 255).astype(np.float32)
    return torch.from_numpy(picture)[None, None]


def repeated(video: Tensor, rows: int) -> Tensor:
    """A video ``(1, 1, places, t)`` with each place repeated: ``(1, 1, rows, t)``."""
    return F.interpolate(video, (rows, video.shape[-1]), mode="nearest")


def factors(output: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Transport ``(1, 1, i, rank)`` and video ``(1, 1, rank, t)`` in an output ``(1, 2, i, t)``.

    Each network's picture, that of T the square on the left, is averaged to the factor's size.
    """
    transport, video = output.split(1, dim=1)
    height, width = output.shape[-2:]
    return (
        F.adaptive_avg_pool2d(transport[..., :height], (height, rank)),
        F.adaptive_avg_pool2d(video, (rank, width)),
    )


def scaled_product(transport: Tensor, video: Tensor, observed: Tensor, mask: Tensor) -> Tensor:
    """g T L with the g >= 0 that brings it nearest to the pixels of `observed` in `mask`."""
    product = transport @ video
    along = (product * observed * mask).sum().clamp(min=0)
    return product * (along / (product.square() * mask).sum().clamp(min=1e-12))


def gradient_error(product: Tensor, observed: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error of differences along rows and along columns, and 0.0001 of the values'.

    Each mean is over what `mask` has of both pixels.
    """
    error = product - observed
    parts = [(VALUES, error, mask)]
    for dim in (-2, -1):
        count = error.shape[dim] - 1
        both = mask.narrow(dim, 0, count) * mask.narrow(dim, 1, count)
        parts.append((1.0, error.diff(dim=dim), both))
    means = [w * (e.abs() * m).sum() / m.sum().clamp(min=1) for w, e, m in parts]
    return torch.stack(means).sum()


def standardised_totals(observed: Tensor, mask: Tensor | None = None) -> Tensor:
    """What each sensor sees in all, with mean 0 and mean square 1: ``(1, 1, i, 1)``.

    The mean over the times in `mask` stands for all of them. Zeros where all sensors see the same.
    """
    mask = torch.ones_like(observed) if mask is None else mask
    means = (observed * mask).sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1)
    deviations = means - means.mean()
    return deviations / deviations.square().mean().sqrt().clamp(min=1e-6)


def fitted(video: Tensor, truth: Tensor) -> Tensor:
    """`video` as near to `truth` as a gain >= 0, an offset and a mirror can bring it.

    With gain g and offset o in closed form (least squares), of the video and its mirror image in
    place whichever is nearer.
    """
    candidates = [_affinely_fitted(x.double(), truth.double()) for x in (video, video.flip(-2))]
    return max(candidates, key=lambda x: psnr(x, truth)).to(truth.dtype)


def _affinely_fitted(x: Tensor, y: Tensor) -> Tensor:
    deviation = x - x.mean()
    variance = deviation.square().mean()
    covariance = (deviation * (y - y.mean())).mean().clamp(min=0)
    gain = covariance / variance if variance > 0 else 0.0
    return gain * deviation + y.mean()
