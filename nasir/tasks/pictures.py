"""Reading picture files."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nasir.core.errors import PictureError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pgm", ".ppm"}

Array = np.ndarray[Any, np.dtype[np.float32]]


def find_pictures(patterns: Iterable[str]) -> list[Path]:
    """The files meant by paths of files, of folders (their pictures, by name) and globs."""
    found: list[Path] = []
    for pattern in patterns:
        path = _path(pattern)
        if path.is_dir():
            found += _some(_pictures_in(path.iterdir()), f"folder {pattern} has no pictures")
        elif path.exists():
            found.append(path)
        elif glob.has_magic(pattern):
            matches = map(Path, glob.glob(str(path), recursive=True))
            found += _some(_pictures_in(matches), f"no picture matches {pattern}")
        else:
            raise PictureError(f"there is no picture or folder {pattern}")
    return list(dict.fromkeys(found))


def read_picture(path: Path) -> Array:
    """A picture as ``(H, W, C)`` float32 in [0, 1], C = 1 (grey) or 3, turned as it was taken.

    Raises :class:`PictureError` for what is no picture, is damaged, has several frames or real
    transparency.
    """
    try:
        with Image.open(path) as file:
            if getattr(file, "n_frames", 1) > 1:
                raise PictureError(f"{path} has several frames: save the one you mean by itself")
            file.load()
            picture = ImageOps.exif_transpose(file)
            return _as_array(picture, path)
    except UnidentifiedImageError:
        raise PictureError(f"{path} is no picture, or of a kind that cannot be read") from None
    except Image.DecompressionBombError:
        raise PictureError(f"{path} is too large: cut or shrink it first") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        what = getattr(error, "strerror", None) or f"it is damaged or cut short ({error})"
        raise PictureError(f"cannot read {path}: {what}") from None


def _as_array(picture: Image.Image, path: Path) -> Array:
    if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        picture = _without_alpha(picture, path)
    if picture.mode.startswith("I"):
        return _sixteen_bits(picture, path)
    if picture.mode == "F":
        return _floats(picture, path)
    grey = picture.mode in ("L", "1") or (picture.mode == "P" and _grey_palette(picture))
    values = np.asarray(picture.convert("L" if grey else "RGB"), np.float32) / np.float32(255)
    return values[..., None] if grey else values


def _without_alpha(picture: Image.Image, path: Path) -> Image.Image:
    """The picture without an alpha channel that says nothing; refuses one that does."""
    colour = picture.convert("RGBA")
    lowest = colour.getchannel("A").getextrema()[0]
    if lowest != 255:
        raise PictureError(f"{path} has transparent pixels: flatten it onto a background first")
    return colour.convert("L" if picture.mode in ("LA", "La", "L") else "RGB")


def _grey_palette(picture: Image.Image) -> bool:
    values = np.asarray(picture.convert("RGB"))
    return bool((values[..., :1] == values).all())


def _sixteen_bits(picture: Image.Image, path: Path) -> Array:
    values = np.asarray(picture, np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise PictureError(f"{path} has more than 16 bits: save it with 8 or 16")
    return (values / 65535).astype(np.float32)[..., None]


def _floats(picture: Image.Image, path: Path) -> Array:
    values = np.asarray(picture, np.float32)
    if not (values.min() >= 0 and values.max() <= 1):
        raise PictureError(f"{path} has values outside [0, 1]: scale it, or save it with 8 bits")
    return values[..., None]


def _pictures_in(paths: Iterable[Path]) -> list[Path]:
    return sorted(p for p in paths if p.suffix.lower() in SUFFIXES and p.is_file())


def _path(pattern: str) -> Path:
    try:
        path = Path(pattern).expanduser()
        path.exists()
    except (RuntimeError, OSError, ValueError) as error:
        raise PictureError(f"{pattern} is no path of a picture: {error}") from None
    return path


def _some(paths: list[Path], complaint: str) -> list[Path]:
    if not paths:
        raise PictureError(f"{complaint} ({', '.join(sorted(SUFFIXES))})")
    return paths
