"""The network of one architecture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.search_space import Signature
from nasir.kernels.choice import MEMORY_FORMAT
from nasir.kernels.reflection import reflect


class Residual(nn.Module):
    """x + W2 relu(W1 x), two 3x3 convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return _sum(self.second(self.first(x).relu_()), x)


class Plain(nn.Module):
    """relu(W x), one 3x3 convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y.relu_()


class Depthwise(nn.Module):
    """x + W2 relu(W1 D x): a 5x5 convolution of each channel, and two 1x1 ones, twice as wide."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.first = nn.Conv2d(width, 2 * width, 1)
        self.second = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return _sum(self.second(self.first(self.spread(x)).relu_()), x)


BLOCKS: dict[str, type[Residual | Plain | Depthwise]] = {
    "residual": Residual,
    "plain": Plain,
    "depthwise": Depthwise,
}


class UNetNetwork(nn.Module):
    """``(N, in, H, W)`` to ``(N, out, s H, s W)``.

    `widths` and `blocks` are the channels and the number of blocks at each scale, the finest
    first; encoder and decoder have as many each, and the coarsest scale has its number once. The
    input, enlarged by bicubic interpolation where s > 1, is added to the output if both have the
    same channels. Pictures may have any size: they are reflected to a multiple of the coarsest
    pixel, and the output is cropped. A fresh network gives back its input.
    """

    def __init__(
        self,
        widths: Sequence[int],
        blocks: Sequence[int],
        kind: str,
        shuffle: int,
        signature: Signature,
    ) -> None:
        super().__init__()
        self.shuffle, self.scale = shuffle, signature.scale
        self.residual = signature.in_channels == signature.out_channels
        self.multiple = shuffle * 2 ** (len(widths) - 1)
        finest, *coarser = widths
        self.head = nn.Conv2d(signature.in_channels * shuffle**2, finest, 3, padding=1)
        pairs = list(zip(widths, coarser, strict=False))
        self.encoder = nn.ModuleList(
            _level(kind, w, n) for w, n in zip(widths, blocks, strict=True)
        )
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, 2) for fine, coarse in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, 2) for fine, coarse in pairs)
        self.decoder = nn.ModuleList(
            _level(kind, w, n) for w, n in zip(widths[:-1], blocks[:-1], strict=True)
        )
        larger = (shuffle * self.scale) ** 2
        self.tail = nn.Conv2d(finest, signature.out_channels * larger, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        down, right = (-size % self.multiple for size in (height, width))
        whole = reflect(x, 0, right, 0, down) if down + right else x
        y = self.head(
            F.pixel_unshuffle(whole, self.shuffle).contiguous(memory_format=MEMORY_FORMAT)
        )
        skips = [y]
        for encode, shrink in zip(self.encoder, self.down, strict=False):
            skips.append(encode(y))
            y = shrink(skips[-1])
        y = self.encoder[-1](y)
        for decode, enlarge in zip(reversed(self.decoder), reversed(self.up), strict=True):
            y = decode(enlarge(y) + skips.pop())
        y = self.tail(y + skips.pop())
        y = F.pixel_shuffle(y, self.shuffle * self.scale)
        y = y[..., : self.scale * height, : self.scale * width]
        if not self.residual:
            return y.contiguous()
        if self.scale > 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        return (x + y).contiguous()


def _sum(y: Tensor, x: Tensor) -> Tensor:
    """y + x, in the memory of `y` where no gradient needs it."""
    return y + x if torch.is_grad_enabled() else y.add_(x)


def _level(kind: str, width: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(BLOCKS[kind](width) for _ in range(blocks)))
