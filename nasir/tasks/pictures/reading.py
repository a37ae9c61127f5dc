"""Reading picture files."""

from __future__ import annotations

import glob
import logging
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nasir.core.errors import PictureError, first_of
from nasir.tasks.pictures.cmyk import from_cmyk
from nasir.tasks.pictures.deep_colour import (
    is_deep_colour,
    is_deep_grey,
    is_deep_in_planes,
    ppm_colours,
    take_all_bytes,
    take_low_bytes,
)

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pgm", ".ppm"}
SUFFIXES |= {".jpe", ".jfif", ".heic", ".heif", ".hif"}  # the last need pillow-heif

UNREAD = {".avif", ".jxl", ".jp2", ".j2k", ".jxr", ".psd", ".xcf", ".svg", ".eps", ".exr", ".hdr"}
UNREAD |= {".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef"}
"""Suffixes of pictures that are not read."""

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "TIFF", "WEBP", "GIF", "PPM")
"""What is read, whatever a file is called: of others, Pillow would have a program run (EPS)."""

HEIF = "HEIF"
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What stands after ``ftyp`` in the head of a HEIF file."""

SINGLE = {"MPO"}
"""Formats whose further frames only serve the first: telephones put depth maps into JPEGs."""

ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)
"""The EXIF tag that says how a picture was taken, and its values that swap height and width."""

OPAQUE = 65535
"""The largest value of 16 bits."""

MOST_NAMED = 3
"""Files that are named before the rest is counted."""

log = logging.getLogger("nasir")

_said: set[str] = set()
"""The folders of which it was said what is not read."""

Array = np.ndarray[Any, np.dtype[np.float32]]
Deep = np.ndarray[Any, np.dtype[np.uint16]]


def find_pictures(patterns: Iterable[str]) -> list[Path]:
    """The files meant by paths of files, of folders (their pictures, by name) and globs.

    A file that is meant twice is there once, where it came first. Raises :class:`PictureError`
    for a pattern that means none.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        for path in _meant_by(pattern):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def has_pictures(folder: str) -> bool:
    """Whether there are files of pictures right in a folder."""
    return bool(_pictures_in(folder))


def read_picture(path: Path) -> Array:
    """A picture as ``(H, W, C)`` float32 in [0, 1], C = 1 (grey) or 3, turned as it was taken.

    16 bits are kept. Raises :class:`PictureError` for what is no picture, is damaged, has several
    frames or real transparency.
    """
    with opened(path) as file:
        complaint = complaint_about(file, path)
        deep = is_deep_colour(file)
        if not deep:
            file.load()
            picture = ImageOps.exif_transpose(file)
    if complaint:
        raise PictureError(complaint)
    if not deep:
        return _as_array(picture, path)
    colours, alpha = deep_colours(path)
    if alpha is not None and alpha.min() < OPAQUE:
        raise _transparent(path)
    return (colours / np.float32(OPAQUE)).astype(np.float32)


def deep_colours(path: Path) -> tuple[Deep, Deep | None]:
    """The colours ``(H, W, C)`` of a file that has 16 bits of them, and alpha ``(H, W)``."""
    with opened(path) as file:
        if (
            read := ppm_colours(file, path.read_bytes() if file.format == "PPM" else b"")
        ) is not None:
            return read, None
        if is_deep_grey(file):
            take_all_bytes(file)
            file.load()
            pairs = np.asarray(ImageOps.exif_transpose(file)).astype(np.uint16)
            both = (pairs[..., ::2] << 8 | pairs[..., 1::2]).astype(np.uint16)
            return both[..., :1], both[..., 1]
    halves = []
    for low in (False, True):
        with opened(path) as file:
            if low:
                take_low_bytes(file)
            file.load()
            halves.append(np.asarray(ImageOps.exif_transpose(file), np.uint16))
            transparent = file.info.get("transparency")
    values: Deep = (halves[0] << 8 | halves[1]).astype(np.uint16)
    colours, alpha = values[..., :3], values[..., 3] if values.shape[-1] == 4 else None
    if transparent is not None:
        there = (colours != np.array(transparent, np.uint16)).any(-1)
        alpha = np.where(there, OPAQUE, 0).astype(np.uint16)
    return colours, alpha


def picture_shape(path: Path) -> tuple[int, int, int]:
    """The shape that :func:`read_picture` gives, from the file's header if that says it."""
    with opened(path) as file:
        mode, (width, height), deep_grey = file.mode, file.size, is_deep_grey(file)
        # A PNG is not decoded for an orientation that may stand behind its pixels.
        known = file.format != "PNG" or "exif" in file.info
        turned = known and file.getexif().get(ORIENTATION, 1) in SIDEWAYS
        # Pillow's versions differ in whether they turn the size of a TIFF by themselves.
        unclear = turned and file.format == "TIFF"
    if unclear or mode in ("P", "PA"):
        height, width, channels = read_picture(path).shape
        return height, width, channels
    if turned:
        height, width = width, height
    grey = deep_grey or mode in ("1", "L", "LA", "La", "F") or mode[0] == "I"
    return height, width, 1 if grey else 3


def complaint_about(file: Image.Image, path: Path) -> str | None:
    """Why the picture of a file that has been opened cannot be taken; None: it can."""
    number = 1 if file.format in SINGLE else getattr(file, "n_frames", 1)
    if number > 1:
        what = "pages" if file.format == "TIFF" else "frames"
        return f"{path} has several {what} ({number}): save the one you mean by itself"
    if is_deep_in_planes(file):
        return f"{path} has 16 bits and its channels in planes: save it with interleaved channels"
    return None


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The file's picture; what goes wrong with it is a :class:`PictureError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whatever makes a picture unreadable is raised
            # Opened by us: Pillow maps a file that it opens itself into memory, and then scrambles
            # an uncompressed TIFF that is to be turned by 90 degrees.
            with open(path, "rb") as content:
                formats = _formats(content, path)
                with Image.open(content, formats=formats) as file:
                    yield file
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"{path} is no picture, or of a kind that cannot be read") from None
    except (Image.DecompressionBombError, MemoryError):
        raise PictureError(f"{path} is too large: cut or shrink it first") from None
    except Exception as error:  # decoders raise all sorts of things at a damaged file
        what = getattr(error, "strerror", None) or f"it is damaged or cut short ({error})"
        raise PictureError(f"cannot read {path}: {what}") from None


def _formats(content: BinaryIO, path: Path) -> tuple[str, ...]:
    """The formats that a file may have: HEIF, which another package reads, by its head alone."""
    head = content.read(12)
    content.seek(0)
    if head[4:8] != b"ftyp" or head[8:] not in HEIF_BRANDS:
        return FORMATS
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise PictureError(
            f"{path} is HEIC, which needs pillow-heif: pip install 'nasir[heic]', or save it as PNG"
        ) from None
    register_heif_opener()
    return (HEIF,)


def _as_array(picture: Image.Image, path: Path) -> Array:
    if picture.mode.startswith("I"):
        return _sixteen_bits(picture, path)
    if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        picture = _without_alpha(picture, path)
    if picture.mode == "F":
        return _floats(picture, path)
    if picture.mode == "CMYK":
        picture = from_cmyk(picture)
    grey = picture.mode in ("L", "1") or (picture.mode == "P" and _grey_palette(picture))
    values = np.asarray(picture.convert("L" if grey else "RGB"), np.float32) / np.float32(255)
    return values[..., None] if grey else values


def _without_alpha(picture: Image.Image, path: Path) -> Image.Image:
    """The picture without an alpha channel that says nothing; refuses one that does."""
    colour = picture.convert("RGBA")
    lowest = colour.getchannel("A").getextrema()[0]
    if lowest != 255:
        raise _transparent(path)
    return colour.convert("L" if picture.mode in ("LA", "La", "L", "1") else "RGB")


def _grey_palette(picture: Image.Image) -> bool:
    values = np.asarray(picture.convert("RGB"))
    return bool((values[..., :1] == values).all())


def _sixteen_bits(picture: Image.Image, path: Path) -> Array:
    values = np.asarray(picture, np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise PictureError(f"{path} has values outside 0 to 65535: save it with 8 or 16 bits")
    if (values == picture.info.get("transparency", -1)).any():
        raise _transparent(path)
    return (values / 65535).astype(np.float32)[..., None]


def _floats(picture: Image.Image, path: Path) -> Array:
    values = np.asarray(picture, np.float32)
    if not (values.min() >= 0 and values.max() <= 1):
        raise PictureError(f"{path} has values outside [0, 1]: scale it, or save it with 8 bits")
    return values[..., None]


def _transparent(path: Path) -> PictureError:
    return PictureError(f"{path} has transparent pixels: flatten it onto a background first")


def _meant_by(pattern: str) -> list[Path]:
    # os.path, since Path raises at an unknown ~user and at a name that is too long.
    name = os.path.expanduser(pattern)
    if os.path.isdir(name) and pattern:
        return _some(_pictures_in(name), f"folder {pattern} has no pictures" + _left_out(name))
    if os.path.isfile(name):
        return [Path(name)]
    if os.path.exists(name):
        raise PictureError(f"{pattern} is neither a file nor a folder")
    if glob.has_magic(pattern):
        matches = map(Path, glob.glob(name, recursive=True))
        return _some(_sorted(matches), f"no picture matches {pattern}")
    raise PictureError(f"there is no picture or folder {pattern!r}")


def _left_out(folder: str) -> str:
    """Words about pictures in a folder that are not read; they are logged once, too."""
    files = sorted(f for f in os.listdir(folder) if Path(f).suffix.lower() in UNREAD)
    if not files:
        return ""
    names = first_of(files, MOST_NAMED)
    if folder not in _said:
        _said.add(folder)
        log.warning("%s in %s is not read: save it as PNG or TIFF", names, folder)
    return f" that are read; save {names} as PNG or TIFF"


def _pictures_in(folder: str) -> list[Path]:
    try:
        return _sorted(p for p in Path(folder).iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise PictureError(f"cannot read folder {folder}: {error.strerror}") from None


def _sorted(paths: Iterable[Path]) -> list[Path]:
    return sorted(p for p in paths if p.suffix.lower() in SUFFIXES and p.is_file())


def _some(paths: list[Path], complaint: str) -> list[Path]:
    if not paths:
        raise PictureError(f"{complaint} ({', '.join(sorted(SUFFIXES))})")
    return paths
