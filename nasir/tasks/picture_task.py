"""What all tasks on pictures have in common: which pictures, and which part of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting, settings_of
from nasir.core.errors import PictureError, SettingsError
from nasir.core.search_space import Signature
from nasir.core.task import Sample, Split, Task
from nasir.tasks.pictures.names import picture_files, whole_patterns
from nasir.tasks.pictures.photographs import photographs
from nasir.tasks.pictures.picture import Picture, as_tensor, pictures_in, with_channels
from nasir.tasks.pictures.several import check_apart, of_cut, of_few, with_distinct_names

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST = 16
"""Fewest pixels of a side."""

USUAL_SIZE = 64
"""Pixels of the longest side of a picture, where nothing else is set."""

Pictures = list[Picture]


def _whole_or_large_enough(task: object, field: attrs.Attribute[int], size: int) -> None:
    if size != 0 and size < SMALLEST:
        raise ValueError(f"{field.name!r} must be 0 or >= {SMALLEST}: {size}")


@attrs.define(slots=False)
class PictureTask(Task):
    """Chooses and prepares the pictures; a subclass degrades them."""

    images: tuple[str, ...] = setting(
        (),
        "files, folders or globs; none: photographs that scikit-image carries; a folder with train "
        "and test (and val: BSDS500), training and test_syn (Rain800), or DIV2K_train_HR and "
        "DIV2K_valid_HR is taken apart, its second part being test_images",
        converter=whole_patterns,
        files=picture_files,
    )
    test_images: tuple[str, ...] = setting(
        (),
        "pictures to test on; none: those of `images` that are not searched on",
        converter=whole_patterns,
        files=picture_files,
    )
    search: int = setting(
        2,
        "how many of `images` are searched on at most, >= 0; one is left to test on, and a single "
        "picture serves for both; 0: all serve for both, as suits a search without ground truth",
        must.ge(0),
    )
    picture: int | None = setting(
        None,
        "take this one of `images`, or of the photographs in their place, alone, from 0; none: all",
        must.optional(must.ge(0)),
    )
    degraded: bool = setting(
        False, "whether the given pictures are degraded already, and have no ground truth"
    )
    size: int = setting(
        USUAL_SIZE,
        f"longest side in pixels, >= {SMALLEST}: larger pictures are cut to their middle; 0: never."
        f" With {USUAL_SIZE}, pictures that are degraded already are restored whole in the end",
        _whole_or_large_enough,
    )
    color: str = setting(
        "auto",
        "channels: grey, rgb, or auto: rgb where any given picture has colour",
        must.in_(("auto", "grey", "rgb")),
    )
    seed: int = setting(0, "what degradations are drawn from, >= 0", must.ge(0))
    channel: str = setting(
        "auto",
        "what PSNR and SSIM look at in pictures in colour: all channels, the luma y (BT.601), or "
        "auto: as is usual for the task",
        must.in_(("auto", "all", "y")),
    )
    border: int | None = setting(
        None,
        "pixels at each border that PSNR and SSIM leave out, >= 0; none: as is usual for the task",
        must.optional(must.ge(0)),
    )
    clip_restored: bool = setting(
        True, "whether restored pictures are clipped to [0, 1] for PSNR and SSIM"
    )
    quantise: bool = setting(
        False, "whether restored pictures are rounded to 8 bits for PSNR and SSIM"
    )
    mse: bool = setting(
        False, "whether the mean squared error is measured beside them, of pictures in [0, 1]"
    )
    _channels: int = attrs.field(init=False, default=0, eq=False, repr=False)
    _samples: dict[Split, list[Sample]] = attrs.field(
        init=False, factory=dict, eq=False, repr=False
    )

    picture_settings = frozenset(("images", "test_images", "picture", "search", "size", "degraded"))

    @classmethod
    def settings_for(cls, use: str) -> Mapping[str, Any]:
        """Whole pictures, evaluated as 8-bit files are; all of them serve to evaluate and score."""
        whole, every = {"size": 0, "quantise": True}, {"search": 0}
        return {"evaluate": whole | every, "train": whole, "score": every}.get(use, {})

    @classmethod
    def given(
        cls, pictures: Sequence[str], test_pictures: Sequence[str] = (), degraded: bool = False
    ) -> Mapping[str, Any]:
        both = {"images": list(pictures), "test_images": list(test_pictures)}
        named = {name: files for name, files in both.items() if files}
        whole = {"degraded": True, "search": 0, "size": 0, "color": "auto"}
        return named | whole if degraded else named

    def with_pictures_of(self, other: Task) -> Task:
        if self.images or self.test_images:
            return self
        unset = {f.name for f in settings_of(type(self)) if getattr(self, f.name) == f.default}
        shared = unset & self.picture_settings & {f.name for f in settings_of(type(other))}
        return attrs.evolve(self, **{name: getattr(other, name) for name in shared})

    @abstractmethod
    def degrade(self, name: str, picture: Tensor) -> Sample:
        """The sample made of a clean picture ``(1, C, H, W)`` in [0, 1]."""

    def take(self, name: str, picture: Tensor) -> Sample:
        """The sample made of a picture that is degraded already."""
        return Sample(name, picture)

    @property
    def usual_protocol(self) -> tuple[str, int]:
        """The channel and the border that PSNR is usually taken with in this task."""
        return "all", 0

    @property
    def signature(self) -> Signature:
        """From the pictures' headers: no picture is decoded."""
        return Signature(self.channels, self.channels)

    @property
    def channels(self) -> int:
        """1 or 3: rgb where any given picture has colour; the photographs are in colour."""
        if not self._channels:
            self._channels = self._find_channels()
        return self._channels

    def samples(self, split: Split) -> Sequence[Sample]:
        if not self._samples:
            self._samples = {
                each: [self._sample(each, picture, self.channels) for picture in some]
                for each, some in self.splits(*self.sources()).items()
            }
        return self._samples[split]

    def metrics(self, restored: Tensor, sample: Sample) -> Mapping[str, float]:
        """PSNR in dB, SSIM and, with `mse`, the squared error, by the task's protocol.

        Of a grey picture the luma is compared, in its own range, whatever `channel` says.
        """
        from nasir.tasks.protocol import compared

        if sample.clean is None:
            return {}
        channel, border = self.usual_protocol
        channel = channel if self.channel == "auto" else self.channel
        border = border if self.border is None else self.border
        restored = restored.to(sample.clean.device)
        if self.quantise:
            restored = (restored * 255).round() / 255
        if self.clip_restored:
            restored = restored.clamp(0, 1)
        figures = compared(restored, sample.clean, channel, border, grey=sample.grey)
        return figures if self.mse else {"psnr": figures["psnr"], "ssim": figures["ssim"]}

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        """The mean squared error to what was observed (Deep Image Prior, equation 2)."""
        from nasir.tasks.protocol import observed_error

        return observed_error(sample.forward_operator(output), sample)

    def shrunk(self, sample: Sample, side: int) -> Sample:
        from nasir.tasks.protocol import shrunk

        return shrunk(sample, side)

    def splits(self, images: Pictures, test: Pictures) -> dict[Split, Pictures]:
        """What to search on and to test on, of what `images` and `test_images` mean."""
        if self.degraded:
            yours = [*images, *test]
            return {"search": photographs()[: self.search] or yours, "test": yours}
        chosen = images or self._alone(photographs())
        if test:
            return {"search": chosen[: self.search] or test, "test": test}
        searched = min(self.search, max(1, len(chosen) - 1))
        return {"search": chosen[:searched] or chosen, "test": chosen[searched:] or chosen}

    def sources(self) -> tuple[Pictures, Pictures]:
        """What `images` and `test_images` mean; refuses a picture that is in both."""
        from nasir.tasks.pictures.layouts import divided

        train, tested = divided(self.images, self.test_images)
        images, test = self.found(train), self.found(tested)
        images = self._alone(images) if images or self.degraded else images
        if self.degraded and not (images or test):
            raise SettingsError("there are no degraded pictures: give them with task.images=FILE")
        check_apart(images, test)
        named = with_distinct_names([*images, *test])
        return named[: len(images)], named[len(images) :]

    def found(self, patterns: Sequence[str]) -> Pictures:
        """The pictures that files, folders or globs mean."""
        return pictures_in(patterns)

    def _alone(self, images: Pictures) -> Pictures:
        """The one picture that is asked for, or all."""
        if self.picture is None:
            return images
        if self.picture >= len(images):
            raise SettingsError(
                f"task.picture={self.picture}: there are {len(images)} pictures, count from 0"
            )
        return [images[self.picture]]

    def _find_channels(self) -> int:
        if self.color != "auto":
            return 3 if self.color == "rgb" else 1
        images, test = self.sources()
        given = [*images, *test]
        return 3 if not given or any(picture.shape[-1] == 3 for picture in given) else 1

    def _sample(self, split: Split, picture: Picture, channels: int) -> Sample:
        """What becomes of a picture; a search with ground truth is on pictures that have it.

        A grey picture among those in colour is degraded as one of one channel.
        """
        array = self._sized(picture.read(), split)
        prepared = self._prepared(picture.name, array, min(channels, array.shape[-1]))
        self._check(picture, split)
        make = self.take if self.is_taken(split) else self.degrade
        return with_channels(make(picture.name, prepared), channels)

    def _check(self, picture: Picture, split: Split) -> None:
        """Refuse a picture that does not fit, by its whole size."""

    def is_taken(self, split: Split) -> bool:
        """Whether the pictures of a split are degraded already."""
        return self.degraded and (split == "test" or self.search == 0)

    def _prepared(self, name: str, array: Any, channels: int) -> Tensor:
        """The middle of a picture with the right channels: ``(1, C, H, W)``."""
        height, width = array.shape[:2]
        if min(height, width) < SMALLEST:
            raise PictureError(
                f"{name} has {height} x {width} pixels: pictures need {SMALLEST} x {SMALLEST}"
            )
        return as_tensor(array, channels)

    def _sized(self, array: Any, split: Split) -> Any:
        """A picture ``(H, W, C)``, or its middle where it is larger than `size`."""
        if not self._is_cut(array.shape, split):
            return array
        top, left = (max(0, side - self.size) // 2 for side in array.shape[:2])
        return array[top : top + self.size, left : left + self.size]

    def _is_cut(self, shape: Sequence[int], split: Split) -> bool:
        """Whether only a part of a picture is used; the user's degraded ones are restored whole."""
        if split == "test" and self.is_taken(split) and self.size == USUAL_SIZE:
            return False
        return 0 < self.size < max(shape[:2])

    @property
    def part(self) -> str:
        """What is used of a picture that is larger than `size`, in words."""
        return f"the middle {self.size} x {self.size} of"

    def remarks(self, split: Split | None = "search") -> Sequence[str]:
        """What of which pictures is used, where they are not used whole, or few of many."""
        used = self.splits(*self.sources())
        searched, tested = (
            [picture for picture in used[one] if self._is_cut(picture.shape, one)] if one else []
            for one in (split, "test")
        )
        cut = [of_cut(self.part, searched, tested)] if searched or (tested and not split) else []
        divided = split == "search" and self.images and not (self.degraded or self.test_images)
        return [*cut, *(of_few(len(used["search"]), len(used["test"])) if divided else ())]

    def __getstate__(self) -> dict[str, Any]:
        """Without the pictures: whoever unpickles the task reads them again."""
        return self.__dict__ | {"_samples": {}, "_channels": 0}
