"""The search space of residual U-Nets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture, Value
from nasir.core.component import setting
from nasir.core.domain import Decision, Domain
from nasir.core.errors import ArchitectureError
from nasir.core.search_space import SearchSpace, Signature

if TYPE_CHECKING:
    from torch import nn

NAMES = ("shuffle", "scales", "width", "growth", "block")

BLOCKS = ("residual", "plain", "depthwise")


@attrs.define(slots=False)
class UNet(SearchSpace):
    """Where a residual U-Net does its work: how many blocks, how wide, at which resolution.

    The family of DRUNet (Zhang et al. 2022, "Plug-and-play image restoration with deep denoiser
    prior"): encoder, body and decoder with additive skips, strided 2x2 convolutions down and
    transposed ones up, no normalisation, and the input added to the output. Before it the picture
    may be shuffled to a half of its resolution (FFDNet, Zhang et al. 2018). Decisions are the
    shuffling, the number of coarser scales, the width of the finest scale and how it grows, the
    kind of block, and the number of blocks of encoder and decoder at each scale.
    """

    scales: int = setting(3, "most coarser scales, 0 to 4", [must.ge(0), must.le(4)])
    widths: tuple[int, ...] = setting(
        (16, 24, 32, 48, 64),
        "channels of the finest scale, multiples of 4, to choose from",
        must.deep_iterable(must.and_(must.ge(4), must.le(512)), must.min_len(1)),
        tuple,
    )
    most_blocks: int = setting(
        6, "most blocks of encoder or decoder at a scale, 1 to 50", [must.ge(1), must.le(50)]
    )

    default_evaluator = "train"
    baseline = "drunet"

    @property
    def smallest_side(self) -> int:  # type: ignore[override]
        """One pixel of the coarsest scale, after shuffling."""
        return 2 ** (self.scales + 1)

    @property
    def domain(self) -> Domain:
        numbers = tuple(range(1, self.most_blocks + 1))
        decisions = [
            Decision("shuffle", (1, 2)),
            Decision("scales", tuple(range(self.scales + 1))),
            Decision("width", self.widths),
            Decision("growth", (1.0, 1.5, 2.0)),
            Decision("block", BLOCKS),
            Decision("blocks.0", numbers),
        ]
        for scale in range(1, self.scales + 1):
            deeper = {"scales": tuple(range(scale, self.scales + 1))}
            decisions.append(Decision(f"blocks.{scale}", numbers, deeper))
        return Domain("unet", decisions)

    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        from nasir.search_spaces.unet.network import UNetNetwork

        chosen = architecture.choices
        levels = [name for name in chosen if name.startswith("blocks.")]
        numbers = [f"blocks.{scale}" for scale in range(len(levels))]
        wanted = {*NAMES, *numbers}
        if wanted != set(chosen) or chosen["scales"] != len(levels) - 1:
            raise ArchitectureError(
                f"an architecture of space 'unet' has the choices {', '.join(NAMES)}, and blocks.0 "
                f"to blocks.N with N of scales, not {', '.join(chosen)}"
            )
        width, growth = int(chosen["width"]), float(chosen["growth"])
        return UNetNetwork(
            [_multiple_of_four(width * growth**scale) for scale in range(len(levels))],
            [int(chosen[name]) for name in numbers],
            str(chosen["block"]),
            int(chosen["shuffle"]),
            signature,
        )

    def reference(self) -> Mapping[str, Architecture]:
        """Found ones (docs/networks.md), and hand-made ones of about the seconds of `found`."""
        return {
            "found": _made(2, (48, 1.5, "residual"), (4, 5)),
            "found_small": _made(1, (32, 1.0, "plain"), (6, 2, 1, 2)),
            "enlarging": _made(1, (48, 1.5, "residual"), (5, 3)),
            "drunet": _made(1, (28, 1.5, "residual"), (2, 2, 2, 2)),
            "ffdnet": _made(2, (96, 1.0, "plain"), (9,)),
            "dncnn": _made(1, (40, 1.0, "plain"), (12,)),
        }


def _made(shuffle: int, kind: tuple[int, float, str], blocks: tuple[int, ...]) -> Architecture:
    width, growth, block = kind
    choices: dict[str, Value] = {
        "shuffle": shuffle,
        "scales": len(blocks) - 1,
        "width": width,
        "growth": growth,
        "block": block,
    }
    numbers = {f"blocks.{scale}": number for scale, number in enumerate(blocks)}
    return Architecture("unet", choices | numbers)


def _multiple_of_four(channels: float) -> int:
    return round(channels / 4) * 4
