"""The residual frameworks of HiNAS around the layers of a network (figure 4)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.search_space import Signature


class Frame(nn.Module):
    """The restored picture, from the input `x` and the layers' output `y`.

    ``(N, C, H, W), (N, s^2 C', H, W) -> (N, C', sH, sW)``. At scale 1 it is x - y (figure 4 a):
    the layers estimate the degradation. At scale s it is y with its channels shuffled to pixels,
    plus the upscaled x (figure 4 b). Without `residual`, or where input and output differ in
    channels, x is left out.
    """

    def __init__(self, signature: Signature, residual: bool, upsampling: str) -> None:
        super().__init__()
        self.scale = signature.scale
        self.body_channels = signature.out_channels * signature.scale**2
        self.residual = residual and signature.in_channels == signature.out_channels
        self.upsampling = upsampling

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        if self.scale == 1:
            return x - y if self.residual else y
        y = F.pixel_shuffle(y, self.scale)
        if not self.residual:
            return y
        return y + F.interpolate(
            x, scale_factor=self.scale, mode=self.upsampling, align_corners=False
        )
