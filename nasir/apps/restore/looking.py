"""Pages on which a person looks at restored pictures: the reports' slider, in one file."""

from __future__ import annotations

import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.apps.report.gallery import gallery
from nasir.apps.report.markup import Html, joined, tag
from nasir.apps.report.page import Section, page, write
from nasir.apps.report.pictures import Picture, Pictures, view_of

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.uint8]]

BUDGET = 24 * 2**20
"""Bytes of all pictures of a page together, before base64: noise is seen in single pixels."""

MOST = 12
"""Pictures on a page."""

BEFORE, AFTER = "before", "after"


def write_before_and_after(pictures: Mapping[str, tuple[str | Path, Path]], file: Path) -> None:
    """Write a page with a slider for each picture, from its files before and after, by its name."""
    views = {
        name: {BEFORE: Path(before), AFTER: after}
        for name, (before, after) in list(pictures.items())[:MOST]
    }
    number = len(pictures)
    title = next(iter(pictures)) if number == 1 else f"{number} pictures"
    head = joined(tag("p", "restored", class_="over"), tag("h1", title))
    content = slider_of(views, number)
    write(file, page(f"{title} \u00b7 nasir", head, [Section("Pictures", "Pictures", content)]))


def slider_of(
    views: Mapping[str, Mapping[str, Path]],
    number: int,
    figures: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None,
    shown: tuple[str, ...] = (),
) -> Html:
    """The gallery of pictures, from the files of each one's views: the first against the second."""
    share = BUDGET // max(1, sum(map(len, views.values())))
    made = [_picture(name, files, share) for name, files in views.items()]
    return gallery(Pictures(made, number, ()), figures or {}, shown, "the files are not")


def _picture(name: str, files: Mapping[str, Path], share: int) -> Picture:
    views = [view_of(view, upright(path), share) for view, path in files.items()]
    return Picture(name, views, right=views[min(1, len(views) - 1)].name)


def open_page(file: Path) -> bool:
    """Open a page in the browser; False where there is none."""
    try:
        return webbrowser.open(file.absolute().as_uri())
    except webbrowser.Error:
        return False


def upright(path: Path) -> Array:
    """The picture of a file ``(H, W, 3)`` with 8 bits, turned as it was taken, without alpha."""
    import numpy as np
    from PIL import Image, ImageOps

    from nasir.tasks.pictures.reading import opened

    with opened(path) as file:
        file.load()
        picture = ImageOps.exif_transpose(file)
    if picture.mode.startswith(("I", "F")):
        scale = 255 if picture.mode == "F" else 1 / 257
        values = np.rint(np.asarray(picture, np.float64) * scale).clip(0, 255)
        picture = Image.fromarray(values.astype(np.uint8))
    return np.asarray(picture.convert("RGB"))
