"""The backbone around the cells, and the network of one architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from nasir.core.search_space import Signature
from nasir.kernels.choice import MEMORY_FORMAT
from nasir.kernels.reflection import AnySize
from nasir.search_spaces.clearer.blocks import EXPANSION, Bottleneck, start_small
from nasir.search_spaces.clearer.modules import (
    Branches,
    FusionModule,
    ParallelModule,
    TransitionModule,
)

Column = Callable[[Branches], Branches]

MODULES: dict[str, type[ParallelModule | FusionModule]] = {
    "parallel": ParallelModule,
    "fusion": FusionModule,
}
"""The options of a column, in the order of the architecture parameters."""


class Backbone(nn.Module):
    """All but the cells: bottlenecks, transitions, last fusion, 1x1 convolution (figure 1c).

    `widths` are the channels of all scales, the finest first; there is one cell less. Pictures may
    have any size: they are reflected to a multiple of the coarsest pixel, and the output is
    cropped. Where output and input are alike the output y is subtracted from the input: x - y.
    At scale s the output is a pixel shuffle of s^2 times the channels.
    """

    def __init__(self, widths: Sequence[int], bottlenecks: int, signature: Signature) -> None:
        super().__init__()
        wide = EXPANSION * widths[0]
        sources = [signature.in_channels, *[wide] * (bottlenecks - 1)]
        self.any_size = AnySize(len(widths) - 1)
        self.start = nn.Sequential(*(Bottleneck(source, widths[0]) for source in sources))
        self.transitions = nn.ModuleList(
            TransitionModule([wide] if scale == 1 else widths[:scale], widths[: scale + 1])
            for scale in range(1, len(widths))
        )
        self.end = FusionModule(widths, outputs=1)
        scale = signature.scale
        self.to_picture = nn.Conv2d(widths[0], scale**2 * signature.out_channels, 1)
        self.shuffle = nn.PixelShuffle(scale)
        self.scale, self.alike = scale, signature.alike

    def forward(self, x: Tensor, cells: Sequence[Sequence[Column]]) -> Tensor:
        """Restore ``(N, in, H, W)`` to ``(N, out, s H, s W)`` by way of the columns of `cells`."""
        height, width = x.shape[-2:]
        whole = self.any_size(x).contiguous(memory_format=MEMORY_FORMAT)
        branches = [self.start(whole)]
        for transition, cell in zip(self.transitions, cells, strict=True):
            branches = transition(branches)
            for column in cell:
                branches = column(branches)
        y = self.any_size.crop(self.to_picture(self.end(branches)[0]), height, width)
        y = self.shuffle(y)
        return (x - y if self.alike else y).contiguous()


class ClearerNetwork(nn.Module):
    """The network of one architecture: ``(N, in, H, W)`` to ``(N, out, s H, s W)``.

    `cells` names the module of each column of each cell.
    """

    def __init__(
        self,
        cells: Sequence[Sequence[str]],
        widths: Sequence[int],
        bottlenecks: int,
        signature: Signature,
    ) -> None:
        super().__init__()
        self.backbone = Backbone(widths, bottlenecks, signature)
        self.cells: Any = nn.ModuleList(
            nn.ModuleList(MODULES[name](widths[: scale + 1]) for name in cell)
            for scale, cell in enumerate(cells, start=1)
        )
        start_small(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.backbone(x, self.cells)
