"""Training pictures that are kept apart for validation."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nasir.core.errors import PictureError, SettingsError
from nasir.settings.paths import whole_path
from nasir.tasks.pictures.picture import Picture

if TYPE_CHECKING:
    import numpy as np

Pictures = list[Picture]


def path_or_name(given: str | os.PathLike[str]) -> str:
    """The whole path of what is there or looks like a path; another word is a folder's name."""
    text = os.fspath(given)
    is_path = os.sep in text or text.startswith("~") or os.path.exists(text)
    return (whole_path(text) or "") if is_path else text


@attrs.frozen
class ValidationPictures:
    """What is kept apart: `count` pictures drawn by `generator`, or those that `patterns` mean.

    A pattern is the name of a folder among those of the training pictures, or means the pictures
    that `found` finds. Neither: nothing is kept apart.
    """

    patterns: Sequence[str]
    count: int
    found: Callable[[Sequence[str]], Pictures]
    generator: Callable[[], np.random.Generator]

    def divide(self, candidates: Pictures, tested: Pictures) -> tuple[Pictures, Pictures]:
        """The pictures to train on, and those to validate on, none of which is `tested`.

        Raises :class:`~nasir.core.errors.NasirError` if either part would be empty, or if a picture
        to validate on is tested on.
        """
        if self.patterns and self.count:
            raise SettingsError(
                "task.validation and task.validation_images both say what to validate on: leave "
                "one out"
            )
        kept = self._named(candidates) if self.patterns else self._drawn(candidates)
        _refuse_tested(kept, tested)
        places = set(map(_place, kept))
        rest = [picture for picture in candidates if _place(picture) not in places]
        if kept and not rest:
            what = "_images" if self.patterns else f"={self.count}"
            raise SettingsError(
                f"task.validation{what} takes all {len(candidates)} pictures, which leaves none to "
                "train on: take fewer"
            )
        return rest, kept

    def _drawn(self, candidates: Pictures) -> Pictures:
        order = self.generator().permutation(len(candidates)) if self.count else ()
        return [candidates[i] for i in sorted(order[: self.count])]

    def _named(self, candidates: Pictures) -> Pictures:
        kept: dict[object, Picture] = {}
        for pattern in self.patterns:
            inside = [picture for picture in candidates if _folder(picture) == pattern]
            for picture in inside or self._found(pattern):
                kept.setdefault(_place(picture), picture)
        return list(kept.values())

    def _found(self, pattern: str) -> Pictures:
        if os.path.isabs(pattern):
            return self.found([pattern])
        raise SettingsError(
            f"task.validation_images={pattern}: no picture to train on is in a folder of this "
            "name, and there is no such file"
        )


def _refuse_tested(kept: Pictures, tested: Pictures) -> None:
    both = set(map(_place, kept)) & set(map(_place, tested))
    if both:
        name = next(picture.name for picture in kept if _place(picture) in both)
        raise PictureError(
            f"{name} is to be validated on and tested on: leave it out of task.validation_images "
            "or of task.test_images"
        )


def _place(picture: Picture) -> object:
    """What two pictures have in common if they are the same: the file, or else the name."""
    content = picture.content
    return content.resolve() if isinstance(content, Path) else picture.name


def _folder(picture: Picture) -> str | None:
    """The name of the folder that a picture's file is in; of a pair's clean file, one above."""
    if not isinstance(picture.content, Path):
        return None
    above = picture.content.parent
    return above.name if picture.observed is None or picture.half else above.parent.name
