"""Colour with 16 bits a channel, of which Pillow's modes hold 8.

Pillow drops the low byte of each value while it decodes, by the byte order that a raw mode names.
In the other byte order it drops the high byte: two decodings give both.
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


def is_deep_colour(file: Image.Image) -> bool:
    """Whether a file that has been opened, but not decoded, has colour with 16 bits."""
    tiles = getattr(file, "tile", [])
    return bool(tiles) and all(_raw_mode(tile)[:-1] in RAW_MODES for tile in tiles)


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
    arguments = tile[3]
    mode = arguments if isinstance(arguments, str) else arguments and arguments[0]
    return mode if isinstance(mode, str) else ""


def _with_low_bytes(tile: Any) -> Any:
    mode = _raw_mode(tile)
    swapped = mode[:-1] + OTHER_ORDER[mode[-1]]
    arguments = swapped if isinstance(tile[3], str) else (swapped, *tile[3][1:])
    make = getattr(type(tile), "_make", tuple)  # plain tuples before Pillow 11
    return make((*tile[:3], arguments))
