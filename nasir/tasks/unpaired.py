"""Two domains of pictures that show nothing in common: from folders, or from photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nasir.core.errors import PictureError, SettingsError
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample
from nasir.tasks.pictures.names import distinct_names
from nasir.tasks.pictures.photographs import photographs
from nasir.tasks.pictures.picture import LUMA
from nasir.tasks.pictures.reading import find_pictures, read_picture

Domains = tuple[list[Sample], list[Sample]]
"""Pictures of A and of B; `clean` is a picture's counterpart in the other domain, if known."""

PARTS = ("trainA", "trainB", "testA", "testB")

SATURATION, CONTRAST = 0.4, 0.7
COLD = (0.21, 0.25, 0.29)
"""What winter adds to red, green and blue."""

TEST = 8
"""How many tiles of the photographs each domain is tested on, at most."""


@attrs.frozen(eq=False)
class Unpaired:
    """The pictures to train on and to test on."""

    train: Domains
    test: Domains


def winter(x: Tensor) -> Tensor:
    """Pale, flat, bright and blue: ``(N, 3, H, W)`` in [0, 1] to the same, within [0.21, 0.99].

    0.7 (0.4 x + 0.6 Y) + (0.21, 0.25, 0.29) with the luma Y (BT.601).
    """
    luma = (x * x.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    pale = SATURATION * x + (1 - SATURATION) * luma
    return CONTRAST * pale + x.new_tensor(COLD).view(1, 3, 1, 1)


def seasons(size: int, seed: int) -> Unpaired:
    """Tiles of photographs: A as they are, B others in winter; counterparts are known.

    No tile is dealt twice, so that nothing is seen in both domains, or in training and test.
    """
    tiles = [tile for one in photographs() for tile in _tiles(one.name, one.read(), size)]
    order = np.random.default_rng(derived_seed(seed, "tiles")).permutation(len(tiles))
    tests = min(TEST, len(tiles) // 6)
    if tests == 0:
        raise SettingsError(
            f"task.size={size}: the photographs have {len(tiles)} tiles of that size, 6 "
            "are needed: take a smaller one, or task.folder=FOLDER with your own pictures"
        )
    dealt = [tiles[i] for i in order]
    a, b = dealt[::2], dealt[1::2]
    day = [Sample(name, x, winter(x)) for name, x in a]
    snow = [Sample(name, winter(x), x) for name, x in b]
    return Unpaired((day[tests:], snow[tests:]), (day[:tests], snow[:tests]))


def from_folder(folder: str, size: int) -> Unpaired:
    """The pictures of ``trainA``, ``trainB``, ``testA`` and ``testB``; no counterpart is known."""
    for place in (Path(folder), *(Path(folder, part) for part in PARTS)):
        if not place.is_dir():
            raise PictureError(
                f"there is no folder {place}: task.folder wants one that has {', '.join(PARTS)}"
            )
    train_a, train_b, test_a, test_b = (_read(Path(folder, part), size) for part in PARTS)
    return Unpaired((train_a, train_b), (test_a, test_b))


def apart(domains: Domains, count: int, seed: int) -> tuple[Domains, Domains]:
    """Each domain without some drawn pictures, and these: `count`, but half of them at most."""
    kept, drawn = zip(
        *(_drawn(d, count, seed, side) for d, side in zip(domains, "AB", strict=True)), strict=True
    )
    return kept, drawn


def _drawn(
    domain: list[Sample], count: int, seed: int, side: str
) -> tuple[list[Sample], list[Sample]]:
    if len(domain) < 2:
        raise PictureError(
            f"train{side} has only the picture {domain[0].name}: it needs two at least, one to "
            "train on and one to score a search by"
        )
    order = np.random.default_rng(derived_seed(seed, "apart", side)).permutation(len(domain))
    chosen = set(order[: min(count, len(domain) // 2)].tolist())
    kept = [sample for i, sample in enumerate(domain) if i not in chosen]
    return kept, [domain[i] for i in sorted(chosen)]


def _tiles(name: str, array: Any, size: int) -> list[tuple[str, Tensor]]:
    picture = _tensor(array)
    rows, columns = (side // size for side in array.shape[:2])
    return [
        (f"{name}-{r}-{c}", picture[..., r * size :, c * size :][..., :size, :size].contiguous())
        for r in range(rows)
        for c in range(columns)
    ]


def _read(folder: Path, size: int) -> list[Sample]:
    names = distinct_names(find_pictures([str(folder)]))
    return [Sample(name, _square(path, size)) for name, path in names.items()]


def _square(path: Path, size: int) -> Tensor:
    """The middle of a picture, after its short side was brought down to `size` pixels."""
    picture = _tensor(read_picture(path))
    height, width = picture.shape[-2:]
    if min(height, width) < size:
        raise PictureError(
            f"{path} has {height} x {width} pixels and task.size={size}: take larger pictures, "
            f"or task.size={min(height, width)}"
        )
    if min(height, width) > size:
        shape = [max(size, round(side * size / min(height, width))) for side in (height, width)]
        picture = F.interpolate(
            picture, shape, mode="bicubic", align_corners=False, antialias=True
        ).clamp(0, 1)
    top, left = ((side - size) // 2 for side in picture.shape[-2:])
    return picture[..., top : top + size, left : left + size].contiguous()


def _tensor(array: Any) -> Tensor:
    """``(H, W, C)`` as ``(1, 3, H, W)``; grey has three equal channels."""
    return torch.from_numpy(array.copy()).permute(2, 0, 1)[None].expand(-1, 3, -1, -1)
