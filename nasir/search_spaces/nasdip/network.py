"""The searched network: a U-Net whose levels are joined by sums of shared x2 steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.architecture import Value
from nasir.core.search_space import Signature
from nasir.kernels.reflection import AnySize, ReflectedConv2d
from nasir.search_spaces.nasdip.cell import UpsamplingCell
from nasir.search_spaces.nasdip.connections import Matrix

SLOPE = 0.2
"""Of the leaky ReLUs outside the upsampling cell."""

Place = tuple[int, int]
"""A source and the level of its map, or a decoder level and a source."""

Up = Callable[[str, Tensor], Tensor]
"""From the name of a x2 step and a map to the map at the next finer level."""


def conv_norm_act(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1
) -> list[nn.Module]:
    """Convolution, batch normalisation, leaky ReLU."""
    return [
        ReflectedConv2d(in_channels, out_channels, kernel, stride),
        nn.BatchNorm2d(out_channels),
        nn.LeakyReLU(SLOPE, inplace=True),
    ]


def encoder_level(in_channels: int, width: int) -> nn.Sequential:
    """Halves the resolution: ``(N, in_channels, H, W) -> (N, width, H/2, W/2)``."""
    return nn.Sequential(
        *conv_norm_act(in_channels, width, 3, stride=2), *conv_norm_act(width, width, 3)
    )


def decoder_level(width: int) -> nn.Sequential:
    """Two 3x3 and a 1x1 convolution, on the sum of the maps at a level."""
    return nn.Sequential(
        nn.BatchNorm2d(width),
        *conv_norm_act(width, width, 3),
        *conv_norm_act(width, width, 3),
        *conv_norm_act(width, width, 1),
    )


def restored(z: Tensor, x: Tensor, alike: bool) -> Tensor:
    """The picture in a network's last map `z` for the input `x`.

    sigmoid(z), in [0, 1]; where output and input are `alike`, x - r with r = sigmoid(z) - 1/2.
    """
    return x - (z.sigmoid() - 0.5) if alike else z.sigmoid()


class LevelNetwork(nn.Module):
    """``(N, in, H, W) -> (N, out, sH, sW)``, with any cells for the x2 steps up.

    Level 1 is the finest. The map of a source (data at level 1, encoder level j at level j + 1)
    reaches another level by x2 steps: up by the cell, down by a strided convolution. All maps that
    cross between two levels pass the same step (figure 5), and the common part of two paths is
    computed once. Up it is the decoder's own step, or with `apart` another one. Steps and
    same-level convolutions that no connection uses are not built.
    """

    def __init__(
        self,
        cell: Callable[[], nn.Module],
        connections: Matrix,
        width: int,
        signature: Signature,
        apart: bool = False,
    ) -> None:
        super().__init__()
        self.apart = apart
        depth = len(connections)
        self.depth, self.scale, self.alike = depth, signature.scale, signature.alike
        pairs = [(r, c) for r in range(1, depth + 1) for c in range(1, depth + 1)]
        self.connections = [(r, c) for r, c in pairs if connections[r - 1][c - 1]]
        channels = {1: signature.in_channels} | dict.fromkeys(range(2, depth + 2), width)
        self.any_size = AnySize(depth)
        self.encoder = nn.ModuleList(
            encoder_level(channels[level], width) for level in range(1, depth + 1)
        )
        climbed = {k for row, source in self.connections for k in range(row, source)}
        steps = [str(level) for level in range(1, depth + 1)]
        steps += [self._crossing(level) for level in sorted(climbed)] if apart else []
        self.up = nn.ModuleDict({step: cell() for step in steps})
        descended = {k for row, source in self.connections for k in range(source, row)}
        self.down = nn.ModuleDict(
            {
                str(level): nn.Sequential(*conv_norm_act(channels[level], width, 3, stride=2))
                for level in sorted(descended)
            }
        )
        self.same = nn.ModuleDict(
            {
                str(row): nn.Sequential(*conv_norm_act(channels[row], width, 1))
                for row, source in self.connections
                if row == source
            }
        )
        self.decoder = nn.ModuleList(decoder_level(width) for _ in range(depth))
        self.to_picture = nn.Conv2d(width, signature.out_channels, 1)

    def forward(
        self, x: Tensor, up: Up | None = None, shares: Mapping[Place, Tensor] | None = None
    ) -> Tensor:
        """`up` replaces the cells, if given. `shares` are the weights of the connections to use.

        A key of `shares` is a decoder level and a source. None: all connections, unweighted.
        """
        up = up or self._cell
        if self.scale != 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        height, width = x.shape[-2:]
        maps = self._encoded(self.any_size(x))
        y = maps[self.depth + 1, self.depth + 1]
        for level in range(self.depth, 0, -1):
            y = up(str(level), y)
            for row, source in self.connections if shares is None else shares:
                if row == level:
                    arriving = self._arriving(maps, source, level, up)
                    y = y + (arriving if shares is None else shares[row, source] * arriving)
            y = self.decoder[level - 1](y)
        z = self.any_size.crop(self.to_picture(y), height, width)
        return restored(z, x, self.alike)

    def _cell(self, step: str, x: Tensor) -> Tensor:
        y: Tensor = self.up[step](x)
        return y

    def _crossing(self, level: int) -> str:
        """The step by which maps that cross levels come up to `level`."""
        return f"crossing_{level}" if self.apart else str(level)

    def _encoded(self, x: Tensor) -> dict[Place, Tensor]:
        """The sources' maps, each at its own level; the coarsest is the bottleneck."""
        maps = {(1, 1): x}
        for level, encode in enumerate(self.encoder, start=2):
            x = encode(x)
            maps[level, level] = x
        return maps

    def _arriving(self, maps: dict[Place, Tensor], source: int, level: int, up: Up) -> Tensor:
        """The map of `source` that is added in the decoder at `level`."""
        if source == level:
            y: Tensor = self.same[str(level)](maps[source, source])
            return y
        return self._resampled(maps, source, level, up)

    def _resampled(self, maps: dict[Place, Tensor], source: int, level: int, up: Up) -> Tensor:
        """The map of `source` at the resolution of `level`, step by step, each step once."""
        place = (source, level)
        if place not in maps:
            if source > level:
                below = self._resampled(maps, source, level + 1, up)
                maps[place] = up(self._crossing(level), below)
            else:
                above = self._resampled(maps, source, level - 1, up)
                maps[place] = self.down[str(level - 1)](above)
        return maps[place]


class NasDipNetwork(LevelNetwork):
    """The network of one architecture: the same cell at every level, with weights of its own."""

    def __init__(
        self,
        cell: Mapping[str, Value],
        connections: Matrix,
        width: int,
        signature: Signature,
        apart: bool = False,
    ) -> None:
        super().__init__(lambda: UpsamplingCell(cell, width), connections, width, signature, apart)
