"""DnCNN (Zhang, Zuo, Chen, Meng and Zhang 2017), the rival of equal size."""

from __future__ import annotations

from torch import Tensor, nn

DEPTH = 10


class DnCnn(nn.Module):
    """x - network(x): convolution and ReLU, `depth` - 2 times with BN between, a convolution."""

    def __init__(self, channels: int, width: int, depth: int = DEPTH) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [
                nn.Conv2d(width, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
        layers.append(nn.Conv2d(width, channels, 3, padding=1))
        self.residual = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x - self.residual(x)


def of_size(parameters: int, channels: int = 1) -> DnCnn:
    """The DnCNN whose number of parameters is nearest to `parameters`."""
    widths = range(4, 129)
    return DnCnn(channels, min(widths, key=lambda w: abs(size_of(w, channels) - parameters)))


def size_of(width: int, channels: int = 1, depth: int = DEPTH) -> int:
    """How many parameters the DnCNN of a width has."""
    ends = 9 * channels * width + width + 9 * width * channels + channels
    return ends + (depth - 2) * (9 * width * width + 2 * width)
