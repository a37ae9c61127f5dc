"""Colour, and grey with alpha, with 16 bits a channel, of which Pillow's modes hold 8.

Pillow drops the low byte of each value while it decodes, by the byte order that a raw mode names.
In the other byte order it drops the high byte: two decodings give both. A pixel of grey with alpha
has four bytes, as one of RGBA with 8 bits. PPM is read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

RAW_MODES = ("RGB;16", "RGBA;16", "RGBX;16")
"""What files with such colours hold, without the byte order; X is a channel of no meaning."""

OTHER_ORDER = {"B": "L", "L": "B", "N": "B"}
"""The other byte order; N, the machine's own, is that of a little-endian one."""


BITS_PER_SAMPLE, PLANAR_CONFIGURATION, PLANES = 258, 284, 2
"""Tags of TIFF, and the value that means planes."""


GREY_ALPHA = "LA;16B"
"""The raw mode of a PNG of grey with alpha."""


def is_deep_colour(file: Image.Image) -> bool:
    """Whether a file that has been opened, but not decoded, has colour or alpha with 16 bits."""
    tiles = getattr(file, "tile", [])
    if not tiles:
        return False
    colour = all(_raw_mode(tile)[:-1] in RAW_MODES for tile in tiles)
    return colour or is_deep_grey(file) or _largest_value(file) > 255


def is_deep_grey(file: Image.Image) -> bool:
    """Whether a file that has been opened, but not decoded, has grey and alpha with 16 bits."""
    return all(_raw_mode(tile) == GREY_ALPHA for tile in getattr(file, "tile", [])[:1] or [None])


def take_all_bytes(file: Image.Image) -> None:
    """Let the decoding of grey with alpha give the four bytes of each pixel as R, G, B and A."""
    tiles: Any = file.tile  # type: ignore[attr-defined]
    file.tile = [_with_raw_mode(tile, "RGBA") for tile in tiles]  # type: ignore[attr-defined]


def ppm_colours(file: Image.Image, content: bytes) -> Any:
    """The values ``(H, W, 3)`` of a binary PPM with more than 8 bits, None of any other file."""
    import numpy as np

    most = _largest_value(file)
    if most <= 255:
        return None
    width, height = file.size
    (tile,) = file.tile  # type: ignore[attr-defined]
    values = np.frombuffer(content, ">u2", 3 * width * height, tile[2])
    scaled = np.rint(values.astype(np.float64) * (65535 / most))
    return scaled.clip(0, 65535).astype(np.uint16).reshape(height, width, 3)


def _largest_value(file: Image.Image) -> int:
    """That of a binary PPM in colour; 0 of any other file."""
    tile = getattr(file, "tile", [None])[0]
    if file.format != "PPM" or file.mode != "RGB" or tile is None or tile[0] != "ppm":
        return 0
    return int(tile[3][1])


def is_deep_in_planes(file: Image.Image) -> bool:
    """Whether it is a TIFF with 16 bits and a plane for each channel: Pillow reads some wrongly."""
    tags = getattr(file, "tag_v2", {})
    bits = tags.get(BITS_PER_SAMPLE, (8,))
    return len(bits) > 1 and max(bits) > 8 and tags.get(PLANAR_CONFIGURATION) == PLANES


def take_low_bytes(file: Image.Image) -> None:
    """Let the file's decoding give the low bytes of the values instead of the high ones."""
    tiles: Any = file.tile  # type: ignore[attr-defined]
    file.tile = [_with_low_bytes(tile) for tile in tiles]  # type: ignore[attr-defined]


def _raw_mode(tile: Any) -> str:
    arguments = tile and tile[3]
    mode = arguments if isinstance(arguments, str) else arguments and arguments[0]
    return mode if isinstance(mode, str) else ""


def _with_low_bytes(tile: Any) -> Any:
    mode = _raw_mode(tile)
    return _with_raw_mode(tile, mode[:-1] + OTHER_ORDER[mode[-1]])


def _with_raw_mode(tile: Any, mode: str) -> Any:
    arguments = mode if isinstance(tile[3], str) else (mode, *tile[3][1:])
    make = getattr(type(tile), "_make", tuple)  # plain tuples before Pillow 11
    return make((*tile[:3], arguments))
