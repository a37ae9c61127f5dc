"""The hand-made network of Deep Image Prior, the baseline of NAS-DIP.

Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior", CVPR 2018: an hourglass with bilinear
upsampling and skip connections of four channels, concatenated.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.search_space import Signature
from nasir.kernels.reflection import AnySize
from nasir.kernels.resizing import twice
from nasir.search_spaces.nasdip.network import conv_norm_act, encoder_level, restored

SKIP_CHANNELS = 4


class DeepImagePriorNetwork(nn.Module):
    """``(N, in, H, W) -> (N, out, sH, sW)``; as :func:`~.network.restored`."""

    def __init__(self, depth: int, width: int, signature: Signature) -> None:
        super().__init__()
        self.scale, self.alike = signature.scale, signature.alike
        self.any_size = AnySize(depth)
        channels = [signature.in_channels] + [width] * (depth - 1)
        self.encoder = nn.ModuleList(encoder_level(c, width) for c in channels)
        self.skip = nn.ModuleList(
            nn.Sequential(*conv_norm_act(c, SKIP_CHANNELS, 1)) for c in channels
        )
        self.decoder = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(width + SKIP_CHANNELS),
                *conv_norm_act(width + SKIP_CHANNELS, width, 3),
                *conv_norm_act(width, width, 1),
            )
            for _ in channels
        )
        self.to_picture = nn.Conv2d(width, signature.out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.scale != 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        height, width = x.shape[-2:]
        y = self.any_size(x)
        skips = []
        for encode, skip in zip(self.encoder, self.skip, strict=True):
            skips.append(skip(y))
            y = encode(y)
        for decode, skipped in zip(reversed(self.decoder), reversed(skips), strict=True):
            y = twice(y, "bilinear")
            y = decode(torch.cat([skipped, y], dim=1))
        return restored(self.any_size.crop(self.to_picture(y), height, width), x, self.alike)
