"""What is around the layers of a network: the residual frameworks of HiNAS (figure 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.search_space import Signature

if TYPE_CHECKING:
    from nasir.search_spaces.cells.space import CellSpace


class Frame(nn.Module):
    """From the input `x` and what the layers make of it, `y`, to the restored picture.

    ``(N, C, H, W), (N, s^2 C', H, W) -> (N, C', sH, sW)``. At scale 1 it is x - y (figure 4 a):
    the layers estimate the degradation. At scale s it is y with its channels shuffled to pixels,
    plus the upscaled x (figure 4 b). Where the space is set to no residual, or the picture has
    other channels than the input, x is left out.
    """

    def __init__(self, space: CellSpace, signature: Signature) -> None:
        super().__init__()
        self.scale = signature.scale
        self.body_channels = signature.out_channels * signature.scale**2
        self.residual = space.residual and signature.in_channels == signature.out_channels
        self.upsampling = space.upsampling

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        if self.scale == 1:
            return x - y if self.residual else y
        y = F.pixel_shuffle(y, self.scale)
        if not self.residual:
            return y
        return y + F.interpolate(
            x, scale_factor=self.scale, mode=self.upsampling, align_corners=False
        )
