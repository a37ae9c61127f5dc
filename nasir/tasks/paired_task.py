"""Tasks that networks can be trained for, on pairs of clean and degraded pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import PictureError, SettingsError
from nasir.core.task import Sample, Split
from nasir.tasks.degradation_task import DegradationTask
from nasir.tasks.picture_task import SMALLEST, Pictures
from nasir.tasks.pictures.names import picture_files
from nasir.tasks.pictures.partitions import ValidationPictures, path_or_name
from nasir.tasks.pictures.photographs import MORE, PHOTOGRAPHS, photographs
from nasir.tasks.pictures.picture import Picture, as_tensor, with_channels

if TYPE_CHECKING:
    from nasir.core.task import Patches
    from nasir.tasks.pictures.patches import Planes

GIB = 2**30


def _names(given: str | os.PathLike[str] | Sequence[str]) -> tuple[str, ...]:
    return tuple(map(path_or_name, (given,) if isinstance(given, str | os.PathLike) else given))


@attrs.define(slots=False)
class PairedTask(DegradationTask):
    """A task on pictures that a degradation degrades, or that come in pairs.

    Networks are trained on those of `images` that are not tested on, whole, whatever `size` is;
    with none, or with `images` already degraded, on pictures that scikit-image carries. Training
    holds pictures with 8 bits.
    """

    train: int | None = setting(
        None,
        "how many of `images` networks are trained on at most, >= 1; none: all that are not "
        "tested on",
        must.optional(must.ge(1)),
    )
    validation: int = setting(
        0,
        "how many of the pictures to train on are kept apart for validation, drawn from `seed`, "
        ">= 0; 0: strategies and evaluators take a share of them",
        must.ge(0),
    )
    validation_images: tuple[str, ...] = setting(
        (),
        "pictures kept apart for validation instead: files, folders or globs, or the name of a "
        "folder in `images`, such as val of BSDS500; nothing is trained on them",
        converter=_names,
        files=lambda given: picture_files(filter(os.path.isabs, given)),
    )
    augment: str = setting(
        "all",
        "how patches to train on are turned: all (by 0, 90, 180, 270 degrees, and mirrored), "
        "mirror (left and right alone) or none",
        must.in_(("all", "mirror", "none")),
    )
    memory: float = setting(
        4.0,
        "GiB of pictures to train on that are kept in memory, >= 0; what is beyond is read again "
        "for each patch",
        must.ge(0),
    )
    _patches: list[Any] = attrs.field(init=False, factory=list, eq=False, repr=False)

    picture_settings = DegradationTask.picture_settings | {
        *("train", "pairs", "validation", "validation_images")
    }

    @property
    def layout(self) -> str | None:
        """The layout of the folders of pairs that are given; None: clean pictures are given."""
        return None

    def pairs_in(self, folder: str) -> Pictures:
        """The pairs in one of these folders."""
        raise NotImplementedError(f"{type(self).__name__} takes no pairs")

    def found(self, patterns: Sequence[str]) -> Pictures:
        from nasir.tasks.pictures.pairs import check_sizes

        if self.layout is None:
            return super().found(patterns)
        if self.degraded:
            raise SettingsError(
                "task.pairs is of pictures that have a ground truth, and task.degraded=true of "
                "such that have none: leave one out"
            )
        if not self.images:
            raise SettingsError(
                f"task.pairs={self.layout} wants to know where they are: task.images=FOLDER"
            )
        pairs = [pair for folder in patterns for pair in self.pairs_in(folder)]
        for pair in pairs:
            check_sizes(pair, self.factor)
        return pairs

    def patches(self) -> Patches:
        return cast("Patches", self._parts()[0])

    def validation_patches(self) -> Patches | None:
        return self._parts()[1]

    def _parts(self) -> list[Patches | None]:
        """What is trained on, and what is kept apart for validation."""
        if not self._patches:
            training, kept = self.partitions()
            self._patches = [self._cut(training), self._cut(kept) if kept else None]
        return self._patches

    def training(self) -> Pictures:
        """The pictures to train on, none of which is validated or tested on."""
        return self.partitions()[0]

    def partitions(self) -> tuple[Pictures, Pictures]:
        """The pictures to train on, and those that are kept apart for validation."""
        images, test = self.sources()
        tests = self.splits(images, test)["test"]
        tested = {picture.name for picture in tests}
        clean = images and not self.degraded
        candidates = images if clean else photographs((*PHOTOGRAPHS, *MORE))
        untested = [picture for picture in candidates if picture.name not in tested]
        kept_apart = ValidationPictures(
            self.validation_images, self.validation, self.found, lambda: self.drawn("validation")
        )
        training, kept = kept_apart.divide(untested, tests)
        training = training[: self.train]
        if not training:
            raise SettingsError(
                "there are no pictures to train on, since all are tested on: give others to test "
                "on with task.test_images=FOLDER, or several with task.search=1 or more"
            )
        return training, kept

    def planes(self, picture: Picture, channels: int) -> Planes:
        """What training holds of a picture."""
        from nasir.tasks.pictures.patches import eight_bits

        clean = eight_bits(as_tensor(picture.read(), channels))
        height, width = self.multiples(clean.shape)
        if picture.observed is None:
            return clean[:, :height, :width], None
        degraded = eight_bits(as_tensor(picture.observed.read(), channels))
        sizes = [side * self.factor for side in degraded.shape[-2:]]
        if list(clean.shape[-2:]) != sizes:
            raise PictureError(f"the pair {picture.name} is of unequal sizes: turn them alike")
        return clean, degraded

    def whole(self, picture: Picture, channels: int) -> Sample:
        """A picture to train on, degraded as its name has it."""
        if picture.observed is not None:
            return self._pair(picture, channels, 0)
        generator, array = self.drawn(picture.name), picture.read()
        clean = as_tensor(array, min(channels, array.shape[-1]))
        degradation = self.for_clean().varied(generator)
        sample = self.observed(degradation, picture.name, clean, generator)
        return with_channels(sample, channels)

    def _cut(self, pictures: Pictures) -> Patches:
        from nasir.tasks.pictures.patches import Memory, PicturePatches

        channels = self.channels
        memory = Memory(lambda picture: self.planes(picture, channels), self.memory * GIB)
        degradation = self.for_clean()
        degradation.varied(self.drawn("patches"))  # what cannot be trained with is refused here
        return PicturePatches(
            pictures,
            degradation,
            self.augment,
            memory,
            lambda picture: self.whole(picture, channels),
            self.drawn,
        )

    def _sample(self, split: Split, picture: Picture, channels: int) -> Sample:
        if picture.observed is not None:
            return self._pair(picture, channels, self.size)
        return super()._sample(split, picture, channels)

    def _pair(self, picture: Picture, channels: int, size: int) -> Sample:
        """A given pair, cut to its middle where the clean one has more than `size` pixels."""
        assert picture.observed is not None
        degraded, clean = picture.observed.read(), picture.read()
        height, width = degraded.shape[:2]
        if self.factor * min(height, width) < SMALLEST:
            raise PictureError(
                f"{picture.name} has {self.factor * height} x {self.factor * width} pixels: "
                f"pictures need {SMALLEST} x {SMALLEST}"
            )
        side = size // self.factor or max(height, width)
        top, left = max(0, height - side) // 2, max(0, width - side) // 2
        low = degraded[top : top + side, left : left + side]
        top, left, side = (self.factor * length for length in (top, left, side))
        high = clean[top : top + side, left : left + side]
        own = min(channels, clean.shape[-1])
        sample = self.take(picture.name, as_tensor(low, own))
        return with_channels(attrs.evolve(sample, clean=as_tensor(high, own)), channels)

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_patches": []}
