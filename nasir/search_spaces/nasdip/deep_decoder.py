"""Deep Decoder, a network of 1x1 convolutions that NAS-DIP is compared with (table 1c).

Heckel and Hand, "Deep Decoder: Concise Image Representations from Untrained Non-convolutional
Networks", ICLR 2019.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.search_space import Signature
from nasir.kernels.reflection import AnySize
from nasir.kernels.resizing import twice


class DeepDecoderNetwork(nn.Module):
    """``(N, in, H, W) -> (N, out, sH, sW)`` in [0, 1]: sigmoid(B C), section 2 of the paper.

    B_{i+1} = cn(relu(U B_i C_i)), with 1x1 convolutions C of `width` channels, bilinear enlargement
    U by 2, and normalisation of each channel; there are `depth` enlargements, and one step without.
    B_0 is random: here it is the input, thinned to the coarsest resolution, so that `width` is at
    most 4^depth input channels. At depth 5 and width 128 the network has the paper's 100,224
    parameters for colour. Fit it without noise on the input.
    """

    def __init__(self, depth: int, width: int, signature: Signature) -> None:
        super().__init__()
        self.width, self.scale, self.coarsest = width, signature.scale, 2**depth
        self.any_size = AnySize(depth)
        self.steps = nn.ModuleList(nn.Conv2d(width, width, 1, bias=False) for _ in range(depth + 1))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(depth + 1))
        self.to_picture = nn.Conv2d(width, signature.out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.scale != 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="nearest")
        height, width = x.shape[-2:]
        y = self._thinned(self.any_size(x))
        last = len(self.steps) - 1
        for number, (step, norm) in enumerate(zip(self.steps, self.norms, strict=True)):
            y = step(y)
            if number < last:
                y = twice(y, "bilinear")
            y = norm(y.relu())
        return self.any_size.crop(self.to_picture(y).sigmoid(), height, width)

    def _thinned(self, x: Tensor) -> Tensor:
        """Some pixels: ``(N, C, H, W) -> (N, width, H / coarsest, W / coarsest)``."""
        pixels = F.pixel_unshuffle(x, self.coarsest)
        places = torch.arange(self.width, device=x.device) * pixels.shape[1] // self.width
        return pixels.index_select(1, places)
