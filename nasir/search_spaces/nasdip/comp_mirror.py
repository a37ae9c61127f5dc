"""The network of CompMirror, whose upsampling NAS-DIP replaces by its own (figure 9).

Aittala et al., "Computational Mirrors: Blind Inverse Light Transport by Deep Matrix
Factorization", NeurIPS 2019; widths and activations are those of its published experiment.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.architecture import Value
from nasir.core.hints import Hints
from nasir.core.search_space import Signature
from nasir.search_spaces.nasdip.cell import UpsamplingCell

THINNER = (4, 2, 2, 1, 1)
"""What `width` is divided by at each enlargement; further ones have all of it."""

BILINEAR: Mapping[str, Value] = {
    "upsample": "bilinear",
    "transform": "identity",
    "activation": "none",
}

SIDE, SLOPE, DARKER = 4, 0.1, 2.0
"""Latent pixels a side, the leaky ReLU's slope, and what is taken from the logarithm."""


class CompMirrorNetwork(nn.Module):
    """``(N, in, H, W) -> (N, out, sH, sW)``, greater than 0: exp(f(z) - 2), whatever comes in.

    The latent maps z are learnt with the weights: `width` / 2 of 4 x 4 pixels, resized to 1 /
    2^`depth` of the picture, and half of them dropped at random. There are `depth` times a 4 x 4
    convolution, an enlargement by 2 and tanh, then two 3 x 3 convolutions; each sees the
    coordinates of its pixels, too, and the first 3 x 3 one the hints of the task. The enlargement
    is bilinear, or the cell of `choices`.
    """

    def __init__(
        self, depth: int, width: int, signature: Signature, choices: Mapping[str, Value]
    ) -> None:
        super().__init__()
        self.scale, self.coarsest = signature.scale, 2**depth
        thinner = (*THINNER[-depth:], *[1] * (depth - len(THINNER)))
        channels = [_fours(width // 2), *(_fours(width // share) for share in thinner)]
        self.latent = nn.Parameter(torch.randn(1, channels[0], SIDE, SIDE))
        self.convolutions = nn.ModuleList(nn.Conv2d(a + 2, b, 4) for a, b in pairwise(channels))
        self.enlargements = nn.ModuleList(
            UpsamplingCell(choices or BILINEAR, c) for c in channels[1:]
        )
        last = channels[-1]
        self.hints = Hints(signature.hints) if signature.hints else nn.Identity()
        self.mix = nn.Conv2d(last + signature.hints + 2, last // 2, 3)
        self.to_factor = nn.Conv2d(last // 2 + 2, signature.out_channels, 3)
        for module in (*self.convolutions, self.mix, self.to_factor):
            nn.init.xavier_normal_(module.weight)
            nn.init.constant_(module.bias, 0.001 if module.kernel_size == (4, 4) else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        height, width = (size * self.scale for size in x.shape[-2:])
        coarse = [-(-size // self.coarsest) for size in (height, width)]
        y = F.interpolate(self.latent, coarse, mode="bilinear", align_corners=False)
        y = F.dropout2d(y.expand(len(x), -1, -1, -1), 0.5, self.training)
        for convolution, enlarge in zip(self.convolutions, self.enlargements, strict=True):
            y = enlarge(convolution(_placed(y, (1, 2, 1, 2)))).tanh()
        y = F.leaky_relu(self.mix(_placed(self.hints(y), (1, 1, 1, 1))), SLOPE)
        y = (self.to_factor(_placed(y, (1, 1, 1, 1))) - DARKER).exp()
        top, left = ((y.shape[-2] - height) // 2, (y.shape[-1] - width) // 2)
        return y[..., top : top + height, left : left + width]


def _fours(channels: int) -> int:
    """At least 4 channels, and as many as 4 divides, which cells may ask for."""
    return max(4, channels // 4 * 4)


def _placed(y: Tensor, border: tuple[int, int, int, int]) -> Tensor:
    """Maps with a repeated border, and the coordinates of their pixels in [-1, 1] as two more."""
    y = F.pad(y, border, "replicate")
    rows, columns = (torch.linspace(-1, 1, size, device=y.device) for size in y.shape[-2:])
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij")).to(y.dtype)
    return torch.cat([y, places.expand(len(y), -1, -1, -1)], dim=1)
