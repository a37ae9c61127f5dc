"""The U-Net of CycleGAN, a generator that NAS-DIP is compared with (table 3).

Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR 2017; Zhu et
al., CycleGAN, ICCV 2017.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.search_space import Signature

SLOPE = 0.2
MOST_LEVELS, MOST_GROWTH = 8, 8


class CycleGanUNet(nn.Module):
    """``(N, in, H, W) -> (N, out, sH, sW)`` in [0, 1].

    4 x 4 convolutions of stride 2 down, and transposed ones up, with leaky ReLU, ReLU and instance
    normalisation; maps of equal size are concatenated. There are `depth` + 3 halvings, at most 8
    (for pictures of 256 x 256, at depth 5). Channels grow from half the `width` to eight times as
    many: 64 to 512 at width 128. Other sizes than powers of two are repeated at their borders.
    """

    def __init__(self, depth: int, width: int, signature: Signature) -> None:
        super().__init__()
        self.scale = signature.scale
        levels, first = min(MOST_LEVELS, depth + 3), max(1, width // 2)
        channels = [first * min(MOST_GROWTH, 2**level) for level in range(levels)]
        self.multiple = 2**levels
        inside = [signature.in_channels, *channels]
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in pairwise(inside))
        joined = [2 * c for c in channels[:-1]] + channels[-1:]
        outside = [signature.out_channels, *channels[:-1]]
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in zip(joined, outside, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.scale != 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        height, width = x.shape[-2:]
        down, right = (-size % self.multiple for size in (height, width))
        y, skips, last = F.pad(2 * x - 1, (0, right, 0, down), "replicate"), [], len(self.down) - 1
        for level, halve in enumerate(self.down):
            y = halve(y if level == 0 else F.leaky_relu(y, SLOPE))
            y = F.instance_norm(y) if 0 < level < last else y
            skips.append(y)
        y = skips.pop()
        for level in range(last, -1, -1):
            y = self.up[level](y.relu())
            if level:
                y = torch.cat([skips.pop(), F.instance_norm(y)], dim=1)
        return ((y.tanh() + 1) / 2)[..., :height, :width]
