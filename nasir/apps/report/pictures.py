"""The pictures of a run, read from its folder and compressed for a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.errors import PictureError
from nasir.core.evaluator import RestoredPicture
from nasir.core.trial import FOUND
from nasir.runs.result import picture_file

if TYPE_CHECKING:
    import numpy as np

KINDS = tuple(field.name for field in attrs.fields(RestoredPicture))
"""The kinds of pictures in a folder: clean, degraded, restored."""

MOST = 8
"""Pictures that are shown."""

BUDGET = 2 * 2**20
"""Bytes of all shown pictures together, before base64."""

SMALLEST = 64 * 64
"""No picture is scaled down to fewer pixels."""

FULL_SCALE = 0.25
"""Differences from here on, in [0, 1], have the brightest colour."""

HEAT = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))
"""Colours of differences from none to `FULL_SCALE` (five of matplotlib's inferno, CC0)."""


@attrs.frozen(eq=False)
class View:
    """One version of a picture: ``found``, a reference's name, ``clean``, ``degraded`` ...

    `source` is a ``data:`` address; `exact`: it has the pixels of the file.
    """

    name: str
    source: str
    width: int
    height: int
    exact: bool


@attrs.frozen(eq=False)
class Picture:
    """A test picture with its views, by its name; `right` is the view on the right at first."""

    name: str
    views: Sequence[View]
    right: str | None = None


@attrs.frozen(eq=False)
class Pictures:
    """The pictures that are shown, how many there are, and the files that could not be read."""

    shown: Sequence[Picture]
    number: int
    unreadable: Sequence[str]


def pictures_of(folder: Path, names: Sequence[str]) -> Pictures:
    """The pictures of these names in ``best/`` and ``references/NAME/`` of a run's folder."""
    best, references = folder / "best", _folders(folder / "references")
    names = [name for name in names if _views(name, best, [])]
    unreadable: list[str] = []
    arrays: dict[str, dict[str, np.ndarray]] = {}
    for name in names[:MOST]:
        paths = _views(name, best, references)
        read = {view: _array(path) for view, path in paths.items()}
        unreadable += [str(paths[view]) for view, array in read.items() if array is None]
        arrays[name] = {view: array for view, array in read.items() if array is not None}
    every = {name: views | differences(views) for name, views in arrays.items()}
    share = BUDGET // max(1, sum(map(len, every.values())))
    shown = [
        Picture(name, [view_of(view, array, share) for view, array in views.items()])
        for name, views in every.items()
        if views
    ]
    return Pictures(shown, len(names), unreadable)


def differences(views: Mapping[str, Any]) -> dict[str, Any]:
    """The difference of each restored picture from the clean one, or else from the degraded one.

    The mean over the channels of the absolute difference, as colours ``(H, W, 3)`` of 8 bits.
    """
    import numpy as np

    kind = "clean" if "clean" in views else "degraded"
    made = {}
    for name, array in views.items():
        if name in KINDS or kind not in views or array.shape != views[kind].shape:
            continue
        apart = np.abs(array.astype(np.float64) - views[kind]).mean(-1) / 255
        stops = np.linspace(0, FULL_SCALE, len(HEAT))
        channels = [np.interp(apart, stops, [colour[c] for colour in HEAT]) for c in range(3)]
        made[f"{name} \N{MINUS SIGN} {kind}"] = (np.stack(channels, -1) + 0.5).astype(np.uint8)
    return made


def view_of(name: str, array: np.ndarray, most: int) -> View:
    """The picture in at most `most` bytes: lossless, or else with losses, or else scaled down."""
    from PIL import Image

    height, width = array.shape[:2]
    picture = Image.fromarray(array)
    content, exact, kind = _saved(picture, "PNG"), True, "png"
    if len(content) > most:
        content, kind = _saved(picture, "WEBP", lossless=True, method=2), "webp"
    while len(content) > most and picture.width * picture.height > SMALLEST:
        if not exact:
            smaller = (max(1, picture.width * 3 // 4), max(1, picture.height * 3 // 4))
            picture = picture.resize(smaller)
        content, exact = _saved(picture, "WEBP", quality=90), False
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return View(name, source, width, height, exact)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _views(name: str, best: Path, references: Sequence[Path]) -> dict[str, Path]:
    """The file of each view of a picture: clean, degraded, found, then the references."""
    views = {kind: best / picture_file(name, kind) for kind in KINDS}
    views[FOUND] = views.pop("restored")
    views |= {folder.name: folder / picture_file(name, "restored") for folder in references}
    return {view: path for view, path in views.items() if path.is_file()}


def _array(path: Path) -> np.ndarray | None:
    """``(H, W, 3)`` of 8 bits; None for a file that cannot be read."""
    import numpy as np

    from nasir.tasks.pictures.reading import opened

    try:
        with opened(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except PictureError:
        return None


def _saved(picture: Any, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()
