"""Ways of changing the spatial resolution (NAS-DIP section 3.2)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nasir.kernels.resizing import twice
from nasir.search_spaces.nasdip.operations import Upsampling


class Bilinear(Upsampling):
    """Bilinear interpolation."""

    def forward(self, x: Tensor) -> Tensor:
        return twice(x, "bilinear")


class Bicubic(Upsampling):
    """Bicubic interpolation."""

    def forward(self, x: Tensor) -> Tensor:
        return twice(x, "bicubic")


class Nearest(Upsampling):
    """Nearest neighbour: each pixel becomes 2 x 2 equal ones."""

    def forward(self, x: Tensor) -> Tensor:
        return twice(x, "nearest")


class PixelShuffle(Upsampling):
    """Depth to space, then the transform: four channels become one of twice the size."""

    channels_per_output = 4

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(x, 2)


class SubPixel(PixelShuffle):
    """The transform, to four times the channels, then depth to space (sub-pixel convolution)."""

    place = "last"


class TransposedConv(Upsampling):
    """Transposed convolution of stride 2, with bias, in place of resize and transform."""

    place = "alone"

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__(channels, kernel, dilation)
        self.conv = nn.ConvTranspose2d(
            channels,
            channels,
            kernel,
            stride=2,
            padding=dilation * (kernel - 1) // 2,
            output_padding=1,
            dilation=dilation,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)
