"""Several pictures of a task: their names, and which are used for what."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from nasir.core.errors import PictureError
from nasir.tasks.pictures.names import distinct_names
from nasir.tasks.pictures.picture import Picture


def with_distinct_names(pictures: Sequence[Picture]) -> list[Picture]:
    """Pictures in files, each with a name that no other has."""
    names = distinct_names([picture.content for picture in pictures])
    return [attrs.evolve(one, name=name) for name, one in zip(names, pictures, strict=True)]


def check_apart(images: Sequence[Picture], test: Sequence[Picture]) -> None:
    """Refuse a file that is among both."""
    both = {p.content.resolve() for p in images} & {p.content.resolve() for p in test}
    if both:
        raise PictureError(
            f"{min(both)} is in task.images and in task.test_images: leave it out of one, "
            "so that nothing is tested on a picture that was searched on"
        )


def of_cut(part: str, searched: Sequence[Picture], tested: Sequence[Picture]) -> str:
    """Which pictures are used in part, the first of them with its size."""
    first, many = (*searched, *tested)[0], len({picture.name for picture in (*searched, *tested)})
    height, width = first.shape[:2]
    which = f"{first.name} ({width} x {height})"
    verbs = " and ".join(["searching"] * bool(searched) + ["testing"] * bool(tested))
    which = which if many == 1 else f"{many} pictures, such as {which}"
    return f"{verbs} on {part} {which}; task.size=0: whole"


def of_few(searched: int, tested: int) -> Sequence[str]:
    """How many pictures are searched on, where more are left for the test."""
    if tested <= searched:
        return ()
    return (
        f"searching on {searched} of the {searched + tested} pictures, testing on the others; "
        "task.search=N: searching on more",
    )
