"""Nearest-neighbour resizing followed by a convolution, as four smaller convolutions.

Nearest resizing repeats every pixel 2 x 2 times. The k x k taps of one output pixel therefore
read only (r + 1) x (r + 1) different pixels of the small map, r = (k - 1) / 2. Taps that read the
same pixel are added up, once for each parity of the output's row and column: 4 (r + 1)^2 instead
of 4 k^2 multiply-adds a pixel of the small map. The outermost r output pixels depend on the
reflected border and are computed as written.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.kernels.choice import four_convolutions_are_faster
from nasir.kernels.reflection import ReflectedConv2d, reflect
from nasir.kernels.resizing import twice


def nearest_conv2d(x: Tensor, conv: ReflectedConv2d) -> Tensor:
    """``conv(nearest(x))`` up to rounding: ``(N, C, H, W) -> (N, O, 2H, 2W)``."""
    if conv.kernel_size[0] == 1:
        return nearest(conv(x))
    if not four_convolutions_are_faster(x, conv):
        return conv(nearest(x))
    bias = None if conv.bias is None else conv.bias.repeat_interleave(4)
    phases = F.conv2d(x, _phase_weights(conv.weight), bias)
    return _Framed.apply(phases, *_border(x, conv))


def nearest(x: Tensor) -> Tensor:
    """`x` at twice its size."""
    return twice(x, "nearest")


def _phase_weights(weight: Tensor) -> Tensor:
    """``(O, C, k, k)`` to ``(4 O, C, r + 1, r + 1)``, in the order of depth to space."""
    sums = weight.new_tensor(_tap_sums(weight.shape[-1]))
    o, c = weight.shape[:2]
    phases = torch.einsum("asi,btj,ocij->oabcst", sums, sums, weight)
    return phases.reshape(4 * o, c, sums.shape[1], sums.shape[1])


@cache
def _tap_sums(kernel: int) -> list[list[list[float]]]:
    """``(2, r + 1, k)``: which taps add up, for the first and the second row of a window.

    A window of r + 1 rows gives two rows of output. Tap t of output row 2 i + a falls on row
    floor((2 i + a + t) / 2); for odd r the second phase is the upper one of the two.
    """
    r = (kernel - 1) // 2
    sums = [[[0.0] * kernel for _ in range(r + 1)] for _ in range(2)]
    for phase in range(2):
        a = phase if r % 2 == 0 else 1 - phase
        first = (a - r) // 2
        for t in range(-r, r + 1):
            sums[phase][(a + t) // 2 - first][t + r] = 1.0
    return sums


def _border(x: Tensor, conv: ReflectedConv2d) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The outermost r rows and columns of ``conv(nearest(x))``: top, bottom, left, right."""
    r = conv.border
    near = r + 1  # rows of x that the first 2 r + 1 rows of the resized map come from
    strips = {
        "top": nearest(x[..., :near, :]),
        "bottom": nearest(x[..., -near:, :]),
        "left": nearest(x[..., :near]),
        "right": nearest(x[..., -near:]),
    }
    top = reflect(strips["top"], r, r, r, 0)[..., : 3 * r, :]
    bottom = reflect(strips["bottom"], r, r, 0, r)[..., -3 * r :, :]
    left = reflect(strips["left"], r, 0, 0, 0)[..., : 3 * r]
    right = reflect(strips["right"], 0, r, 0, 0)[..., -3 * r :]
    weight, bias = conv.weight, conv.bias
    return (
        F.conv2d(top, weight, bias),
        F.conv2d(bottom, weight, bias),
        F.conv2d(left, weight, bias),
        F.conv2d(right, weight, bias),
    )


def _frame(phases: Tensor, top: Tensor, bottom: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Depth to space of `phases`, in a frame: ``(N, 4 O, h, w) -> (N, O, 2h + 2r, 2w + 2r)``."""
    r = top.shape[-2]
    n, channels, h, w = phases.shape
    out = phases.new_empty(n, channels // 4, 2 * (h + r), 2 * (w + r))
    out[..., :r, :] = top
    out[..., -r:, :] = bottom
    out[..., r:-r, :r] = left
    out[..., r:-r, -r:] = right
    _interior(out, r).copy_(phases.view(n, channels // 4, 2, 2, h, w))
    return out


def _interior(framed: Tensor, r: int) -> Tensor:
    """The inside of a framed map by phase: a view ``(N, O, 2, 2, h, w)``."""
    inside = framed[..., r:-r, r:-r]
    h, w = inside.shape[-2] // 2, inside.shape[-1] // 2
    return inside.unflatten(-1, (w, 2)).unflatten(-3, (h, 2)).permute(0, 1, 3, 5, 2, 4)


class _Framed(torch.autograd.Function):
    """:func:`_frame` with one copy instead of one for each side in the backward pass."""

    @staticmethod
    def forward(ctx: Any, phases: Tensor, *border: Tensor) -> Tensor:
        ctx.r = border[0].shape[-2]
        return _frame(phases, *border)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        r = ctx.r
        phases = _interior(gradient, r)
        return (
            phases.reshape(phases.shape[0], -1, *phases.shape[-2:]),
            gradient[..., :r, :],
            gradient[..., -r:, :],
            gradient[..., r:-r, :r],
            gradient[..., r:-r, -r:],
        )
