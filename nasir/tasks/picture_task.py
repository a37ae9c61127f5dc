"""What all tasks on pictures have in common: which pictures, and which part of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import PictureError
from nasir.core.search_space import Signature
from nasir.core.task import Sample, Split, Task

if TYPE_CHECKING:
    from torch import Tensor

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")
"""Of the photographs that scikit-image carries, those in colour; nothing is downloaded."""

SMALLEST = 16
"""Fewest pixels of a side."""

Pictures = list[tuple[str, Any]]
"""Names, and arrays ``(H, W, C)`` float32 in [0, 1]."""


@attrs.define(slots=False)
class PictureTask(Task):
    """Chooses and prepares the pictures; a subclass degrades them."""

    images: tuple[str, ...] = setting(
        (), "files, folders or globs; none: photographs that scikit-image carries"
    )
    test_images: tuple[str, ...] = setting(
        (), "pictures to test on; none: those of `images` that are not searched on"
    )
    search: int = setting(
        2,
        "how many of `images` are searched on, >= 1; where there are no others these are the "
        "test pictures too",
        must.ge(1),
    )
    size: int = setting(
        64, "longest side in pixels, larger pictures are cut to their middle; 0: never", must.ge(0)
    )
    color: str = setting(
        "auto",
        "channels: grey, rgb, or auto: rgb where any picture has colour",
        must.in_(("auto", "grey", "rgb")),
    )
    seed: int = setting(0, "what degradations are drawn from, >= 0", must.ge(0))
    _samples: dict[Split, list[Sample]] = attrs.field(
        init=False, factory=dict, eq=False, repr=False
    )

    @abstractmethod
    def degraded(self, name: str, picture: Tensor) -> Sample:
        """The sample made of a picture ``(1, C, H, W)`` in [0, 1]."""

    @property
    def signature(self) -> Signature:
        channels = self.samples("test")[0].degraded.shape[1]
        return Signature(channels, channels)

    def samples(self, split: Split) -> Sequence[Sample]:
        if not self._samples:
            self._samples = self._read()
        return self._samples[split]

    def metrics(self, restored: Tensor, sample: Sample) -> Mapping[str, float]:
        """PSNR in dB and SSIM, of `restored` clipped to [0, 1]."""
        from nasir.core.metrics import psnr, ssim

        if sample.clean is None:
            return {}
        restored = restored.clamp(0, 1).to(sample.clean.device)
        similar = ssim(restored.double(), sample.clean.double()).item()
        return {"psnr": psnr(restored, sample.clean), "ssim": similar}

    def splits(self) -> dict[Split, Pictures]:
        """The pictures to search on and to test on, not yet degraded."""
        chosen = pictures(self.images) if self.images else photographs()
        if self.test_images:
            search, test = chosen[: self.search], pictures(self.test_images)
        elif len(chosen) > self.search:
            search, test = chosen[: self.search], chosen[self.search :]
        else:
            search = test = chosen
        return {"search": search, "test": test}

    def _read(self) -> dict[Split, list[Sample]]:
        splits = self.splits()
        everything = [array for some in splits.values() for _, array in some]
        channels = 3 if self.color == "rgb" else 1
        if self.color == "auto":
            channels = max(array.shape[-1] for array in everything)
        return {
            split: [self._sample(split, n, self._prepared(n, a, channels)) for n, a in some]
            for split, some in splits.items()
        }

    def _sample(self, split: Split, name: str, picture: Tensor) -> Sample:
        return self.degraded(name, picture)

    def _prepared(self, name: str, array: Any, channels: int) -> Tensor:
        """The middle of a picture with the right channels: ``(1, C, H, W)``."""
        import torch

        height, width = array.shape[:2]
        if min(height, width) < SMALLEST:
            raise PictureError(
                f"{name} has {height} x {width} pixels: pictures need {SMALLEST} x {SMALLEST}"
            )
        if self.size:
            top, left = max(0, height - self.size) // 2, max(0, width - self.size) // 2
            array = array[top : top + self.size, left : left + self.size]
        x = torch.from_numpy(array.copy()).permute(2, 0, 1)[None]
        if x.shape[1] > channels:
            luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
            return (x * luma).sum(1, keepdim=True)
        return x.expand(-1, channels, -1, -1).contiguous()

    def __getstate__(self) -> dict[str, Any]:
        """Without the pictures: whoever unpickles the task reads them again."""
        return self.__dict__ | {"_samples": {}}


def photographs() -> Pictures:
    """Photographs that come with scikit-image."""
    import numpy as np
    from skimage import data

    return [(n, (getattr(data, n)() / 255).astype(np.float32)) for n in PHOTOGRAPHS]


def pictures(patterns: Sequence[str]) -> Pictures:
    """The pictures that `patterns` mean, named by their files, by their folders where need be."""
    from nasir.tasks.pictures import find_pictures, read_picture

    paths = find_pictures(patterns)
    stems = [path.stem for path in paths]
    named: Pictures = []
    for path in paths:
        unique = stems.count(path.stem) == 1
        name = path.stem if unique else "-".join(path.absolute().parts[-2:]).replace(".", "-")
        while any(name == taken for taken, _ in named):
            name += "-2"
        named.append((name, read_picture(path)))
    return named
