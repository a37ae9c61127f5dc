"""The layer of deformable convolution, version 2 (Zhu et al. 2019)."""

from __future__ import annotations

from torch import Tensor, nn

from nasir.kernels.deformable import KERNEL, TAPS, deform_conv2d


class DeformableConv2d(nn.Conv2d):
    """3x3 deformable convolution without bias: ``(N, in, H, W) -> (N, out, H, W)``.

    Offsets and masks come from a 3x3 convolution of the same input, which starts at zero: at
    first no sample is moved and every mask is 1/2 (Zhu et al. 2019, section 3.2).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, KERNEL, padding=KERNEL // 2, bias=False)
        self.deformation = nn.Conv2d(in_channels, 3 * TAPS, KERNEL, padding=KERNEL // 2)
        nn.init.zeros_(self.deformation.weight)
        if self.deformation.bias is not None:
            nn.init.zeros_(self.deformation.bias)

    def forward(self, x: Tensor) -> Tensor:
        offsets, logits = self.deformation(x).split((2 * TAPS, TAPS), dim=1)
        return deform_conv2d(x, offsets, logits.sigmoid(), self.weight)
