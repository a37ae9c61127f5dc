"""The network of NAS-DIP with nothing shared, as a plain program has it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from nasir.search_spaces.nasdip.cell import UpsamplingCell
from nasir.search_spaces.nasdip.network import NasDipNetwork


class EveryPath(nn.Module):
    """Goes along each path of `network` from its source, step by step.

    `network` has all modules. With `every` also the paths that `chosen` leaves out are computed,
    and count nothing.
    """

    def __init__(
        self, network: NasDipNetwork, chosen: Sequence[Sequence[bool]], every: bool
    ) -> None:
        super().__init__()
        self.network, self.chosen, self.every = network, chosen, every

    def forward(self, x: Tensor) -> Tensor:
        net = self.network
        height, width = x.shape[-2:]
        sources = {1: net.any_size(x)}
        for level, encode in enumerate(net.encoder, start=2):
            sources[level] = encode(sources[level - 1])
        y = sources[net.depth + 1]
        for level in range(net.depth, 0, -1):
            y = upsampled(net.up[str(level)], y)
            for source in range(1, net.depth + 1):
                is_chosen = self.chosen[level - 1][source - 1]
                if is_chosen or self.every:
                    y = y + float(is_chosen) * self.brought(sources[source], source, level)
            y = net.decoder[level - 1](y)
        return net.any_size.crop(net.to_picture(y).sigmoid(), height, width)

    def brought(self, x: Tensor, source: int, level: int) -> Tensor:
        """The map of `source` at `level`."""
        if source == level:
            return self.network.same[str(level)](x)
        for step in range(source - 1, level - 1, -1):
            x = upsampled(self.network.up[str(step)], x)
        for step in range(source, level):
            x = self.network.down[str(step)](x)
        return x


def upsampled(cell: UpsamplingCell, x: Tensor) -> Tensor:
    """Resize, activate, transform, activate: a nearest neighbour too is enlarged first."""
    if cell.transform is None or cell.transform_first:
        return cell(x)
    x = cell.resize_activation(cell.resize(x))
    return cell.transform_activation(cell.transform(x))
