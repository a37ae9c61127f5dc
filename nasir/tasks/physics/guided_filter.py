"""The guided filter: smoothing that keeps the edges of another picture."""

from __future__ import annotations

import torch
from torch import Tensor


def guided_filter(x: Tensor, guide: Tensor, radius: int, epsilon: float) -> Tensor:
    """`x` ``(1, 1, H, W)`` smoothed along the edges of `guide` ``(1, C, H, W)``.

    In each window w of 2 `radius` + 1 pixels a side, cut off at the borders, x is near a linear
    function a'I + b of the guide's colours I. The result is mean(a)'I + mean(b) over the windows
    that hold a pixel (He, Sun and Tang 2013, "Guided image filtering", equation 21). It takes the
    same time for any radius.
    """
    a, b = linear_coefficients(x, guide, radius, epsilon)
    return ((a * guide).sum(1, keepdim=True) + b).to(x.dtype)


def linear_coefficients(
    x: Tensor, guide: Tensor, radius: int, epsilon: float
) -> tuple[Tensor, Tensor]:
    """mean(a) ``(1, C, H, W)`` and mean(b) ``(1, 1, H, W)`` of :func:`guided_filter`, in double.

    a = (S + epsilon U)^-1 cov(I, x) and b = mean(x) - a' mean(I), with the covariance S of I in a
    window (equations 19 and 20).
    """
    x, guide = x.double(), guide.double()
    channels = guide.shape[1]
    mean_x, mean_guide = box_mean(x, radius), box_mean(guide, radius)
    covariance = box_mean(guide * x, radius) - mean_guide * mean_x
    pairs = guide[:, :, None] * guide[:, None]  # (1, C, C, H, W)
    spread = box_mean(pairs.flatten(1, 2), radius).unflatten(1, (channels, channels))
    spread = spread - mean_guide[:, :, None] * mean_guide[:, None]
    matrices = spread.movedim((1, 2), (-2, -1)) + epsilon * torch.eye(channels).to(spread)
    a = torch.linalg.solve(matrices, covariance.movedim(1, -1)[..., None])[..., 0].movedim(-1, 1)
    b = mean_x - (a * mean_guide).sum(1, keepdim=True)
    return box_mean(a, radius), box_mean(b, radius)


def box_mean(x: Tensor, radius: int) -> Tensor:
    """The mean of ``(N, C, H, W)`` in a window around each pixel, cut off at the borders."""
    for dim in (2, 3):
        length = x.shape[dim]
        places = torch.arange(length, device=x.device)
        after = (places + radius + 1).clamp(max=length)
        before = (places - radius).clamp(min=0)
        sums = torch.cat([torch.zeros_like(x.narrow(dim, 0, 1)), x.cumsum(dim)], dim)
        counts = (after - before).to(x).view(-1, 1) if dim == 2 else (after - before).to(x)
        x = (sums.index_select(dim, after) - sums.index_select(dim, before)) / counts
    return x
