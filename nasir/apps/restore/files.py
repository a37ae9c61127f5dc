"""Reading a picture with its alpha and metadata, and writing what became of it."""

from __future__ import annotations

import errno
import io
import tempfile
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.restore.encoding import encoded_png, encoded_tiff
from nasir.apps.restore.sources import check_is_file
from nasir.core.errors import PictureError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Array = np.ndarray[Any, Any]

FORMATS = {
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
}
"""What is written, by suffix."""

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "PNG": {"compress_level": 4},  # 2 % larger than 6, in half the time
    "WEBP": {"lossless": True},
    "JPEG": {"quality": 95},
}

LONGEST_SIDE: Mapping[str, int] = {"WEBP": 16383, "JPEG": 65500}
"""Pixels of a side that a format holds at most; the others hold what memory does."""

BAND = 256
"""Rows that are rounded at a time."""

ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
"""Pillow's modes with an alpha channel."""

MOST_DPI = 50_000
"""What JPEG's two bytes hold, nearly."""

ORIENTATION = 0x0112

STRUCTURE = {
    *(254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325),
    *(330, 338, 339, 347, 513, 514, 529, 530, 531, 532, 700, 33723, 34377, 34675),
}
"""TIFF tags that say how a file is laid out, or hold what is kept elsewhere."""

PROFILE_OF = {"RGB ": ("RGB", "RGBA"), "GRAY": ("L", "LA", "I;16")}
"""The modes whose colours an ICC profile of a colour space describes."""


class DiskFull(PictureError):  # noqa: N818 (it is no mistake)
    """A result finds no room."""


@attrs.frozen(eq=False)
class Photograph:
    """What is kept of a picture's file besides its colours, which are in the file `colours`.

    `alpha` is ``(H, W)``, uint8 or uint16, or None; `deep`: more than 8 bits a channel.
    """

    colours: Path
    alpha: Array | None
    deep: bool
    exif: bytes
    icc_profile: bytes
    dpi: tuple[float, float] | None = None
    remarks: tuple[str, ...] = ()


def read(path: Path, folder: Path) -> Photograph:
    """Read a picture; where it has alpha, its colours are put into a file in `folder`.

    Raises :class:`~nasir.core.errors.PictureError` for what cannot be read.
    """
    from PIL import ImageOps

    from nasir.tasks.pictures.cmyk import REMARK
    from nasir.tasks.pictures.deep_colour import is_deep_colour
    from nasir.tasks.pictures.reading import complaint_about, deep_colours, opened

    check_is_file(path)
    with opened(path) as file:
        complaint, deep_colour = complaint_about(file, path), is_deep_colour(file)
        if complaint is None:
            file.load()
            picture = ImageOps.exif_transpose(file)
        exif, profile, dpi = _exif(file), file.info.get("icc_profile") or b"", _dpi(file)
        remarks = (REMARK,) if file.mode == "CMYK" else ()
    if complaint is not None:
        raise PictureError(complaint)
    deep = deep_colour or picture.mode.startswith(("I", "F"))
    transparent = picture.mode in ALPHA or "transparency" in picture.info
    if not transparent or (deep and not deep_colour):
        return Photograph(path.absolute(), None, deep, exif, profile, dpi, remarks)
    colours = folder / f"{path.stem}.png"
    if deep_colour:
        values, alpha = deep_colours(path)
        colours.write_bytes(encoded_png(values, b"", b""))
        return Photograph(colours, alpha, True, exif, profile, dpi)
    coloured = picture.convert("RGBA")
    _opaque(coloured, picture.mode).save(colours)
    return Photograph(colours, _array(coloured.getchannel("A")), False, exif, profile, dpi)


def encoded(picture: Array, like: Photograph, suffix: str) -> bytes:
    """A picture ``(H, W, C)`` in [0, 1] with the alpha, depth and metadata of `like`."""
    import numpy as np
    from PIL import Image

    kind = FORMATS[suffix.lower()]
    most, whole = (65535, np.uint16) if like.deep else (255, np.uint8)
    values = np.empty(picture.shape, whole)
    for top in range(0, len(picture), BAND):  # float64 of all of a large picture takes gigabytes
        band = slice(top, top + BAND)
        values[band] = np.rint(picture[band].astype(np.float64) * most)
    alpha = None if like.alpha is None else enlarged(like.alpha, *picture.shape[:2])
    if kind == "TIFF" or (like.deep and (values.shape[-1] == 3 or alpha is not None)):
        return _encoded_here(values, alpha, like, kind)
    image = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
    metadata: dict[str, Any] = {"exif": like.exif} if like.exif else {}
    if like.dpi:
        metadata["dpi"] = like.dpi
    if profile := _profile(like, image.mode):
        metadata["icc_profile"] = profile
    stream = io.BytesIO()
    image.save(stream, kind, **OPTIONS[kind], **metadata)
    return stream.getvalue()


def encoded_strip(before: Array, after: Array, alpha: Array | None) -> bytes:
    """Two pictures of one size side by side, with a thin gap, as an 8-bit PNG."""
    import numpy as np

    height, width = after.shape[:2]
    gap = np.ones((height, max(2, width // 100), after.shape[-1]), np.float32)
    strip = np.concatenate([before, gap, after], 1)
    if alpha is not None:
        part = _eight_bits(enlarged(alpha, height, width))
        between = np.zeros((height, gap.shape[1]), np.uint8)
        alpha = np.concatenate([part, between, part], 1)
    return encoded(strip, Photograph(Path(), alpha, False, b"", b""), ".png")


def enlarged(alpha: Array, height: int, width: int) -> Array:
    """Alpha ``(h, w)`` brought to a size by bicubic interpolation."""
    import numpy as np
    from PIL import Image

    if alpha.shape == (height, width):
        return alpha
    if alpha.dtype == np.uint16:
        image = Image.fromarray(alpha.astype(np.float32))
        larger = _array(image.resize((width, height), Image.Resampling.BICUBIC))
        return np.rint(larger.clip(0, 65535)).astype(np.uint16)
    return _array(Image.fromarray(alpha).resize((width, height), Image.Resampling.BICUBIC))


def check_target(path: Path, source: Path, like: Photograph, force: bool) -> None:
    """Refuse, before any work is done, a file that cannot or must not be written."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise PictureError(f"cannot write {path}: its suffix must be one of {', '.join(FORMATS)}")
    if like.alpha is not None and FORMATS[suffix] == "JPEG":
        raise PictureError(f"{source} has an alpha channel, which {suffix} cannot hold: use .png")
    if like.deep and FORMATS[suffix] not in ("PNG", "TIFF"):
        raise PictureError(f"{source} has 16 bits, which {suffix} cannot hold: use .png or .tif")
    check_free(path, source, force)


def check_size(path: Path, height: int, width: int) -> None:
    """Refuse a file whose format cannot hold a picture of this size."""
    most = LONGEST_SIDE.get(FORMATS[path.suffix.lower()], max(height, width))
    if max(height, width) > most:
        raise PictureError(
            f"cannot write {path}: {path.suffix} holds at most {most} pixels a side, and the "
            f"result has {height} x {width}: use .png"
        )


def check_free(path: Path, source: Path, force: bool) -> None:
    """Refuse a path that is the source's, is taken (unless `force`), or cannot be written."""
    if not path.parent.is_dir():
        raise PictureError(f"there is no folder {path.parent} to write {path.name} to")
    if path.exists():
        if path.samefile(source):
            raise PictureError(f"{path} is the picture itself: choose another name with output=OUT")
        if path.is_dir():
            raise PictureError(f"{path} is a folder: choose the name of a file with output=OUT")
        if not force:
            raise PictureError(f"{path} exists: overwrite it with force=True, or choose output=OUT")
    try:
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.write(b"full?")
    except OSError as error:
        raise _unwritten(
            error,
            f"cannot write to {path.parent}: {error.strerror}; choose another with output=OUT",
        ) from None


def write(files: Mapping[Path, bytes]) -> None:
    """Write files, each whole or not at all, and none where one cannot be written."""
    partials = {path: path.with_name(f".{uuid.uuid4().hex}.partial") for path in files}
    try:
        for path, content in files.items():
            partials[path].write_bytes(content)
        for path, partial in partials.items():
            partial.replace(path)
    except OSError as error:  # a full disk has no file's name
        raise _unwritten(error, f"cannot write {path}: {error.strerror}") from None
    finally:
        for partial in partials.values():
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def _dpi(file: Image.Image) -> tuple[float, float] | None:
    """Pixels an inch, across and down; None where the file does not say it, or says nonsense."""
    with suppress(Exception):
        across, down = (float(one) for one in file.info["dpi"])
        if 1 < across <= MOST_DPI and 1 < down <= MOST_DPI:  # Pillow's 1 means unknown
            return across, down
    return None


def _unwritten(error: OSError, reason: str) -> PictureError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return DiskFull(reason) if full else PictureError(reason)


def _exif(file: Image.Image) -> bytes:
    """The EXIF data of an upright picture; empty where there is none, or it is damaged."""
    with suppress(Exception):
        exif = file.getexif()
        for tag in STRUCTURE:
            exif.pop(tag, None)
        if exif:
            exif[ORIENTATION] = 1
            return exif.tobytes()
    return b""


def _encoded_here(values: Array, alpha: Array | None, like: Photograph, kind: str) -> bytes:
    import numpy as np

    mode = "L" if values.shape[-1] == 1 else "RGB"
    if alpha is not None:
        values = np.concatenate([values, alpha[..., None]], -1)
    encode = {"PNG": encoded_png, "TIFF": encoded_tiff}[kind]
    return encode(values, like.exif, _profile(like, mode), like.dpi)


def _profile(like: Photograph, mode: str) -> bytes:
    """The colour profile, where it describes the colours of a mode."""
    space = like.icc_profile[16:20].decode("latin-1")
    return like.icc_profile if mode in PROFILE_OF.get(space, ()) else b""


def _eight_bits(alpha: Array) -> Array:
    import numpy as np

    return alpha if alpha.dtype == np.uint8 else (alpha >> 8).astype(np.uint8)


def _opaque(coloured: Image.Image, mode: str) -> Image.Image:
    """The colours without alpha: grey where the file's mode or all colours are."""
    import numpy as np

    colours = coloured.convert("RGB")
    values = np.asarray(colours)
    grey = mode in ("LA", "La", "L", "1") or bool((values[..., :1] == values).all())
    return coloured.getchannel("R") if grey else colours


def _array(image: Image.Image) -> Array:
    import numpy as np

    return np.asarray(image).copy()
