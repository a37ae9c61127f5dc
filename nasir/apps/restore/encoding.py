"""Writing what Pillow does not: colour with 16 bits, and TIFF with all of EXIF."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]
    Deep = np.ndarray[Any, np.dtype[np.uint16]]

SIGNATURE = b"\x89PNG\r\n\x1a\n"

SUB = 1
"""PNG's filter that writes each byte as its difference from that of the pixel to the left."""

EXIF_PREFIX = b"Exif\0\0"

DEFLATE, HORIZONTAL = 8, 2
"""TIFF's compression, and the predictor that is like PNG's SUB."""

GREY, COLOUR = 1, 2
"""TIFF's words for what the channels are."""

UNASSOCIATED = 2
"""TIFF's word for an alpha channel by which colours are not multiplied."""

INCHES = 2
"""TIFF's word for the unit of its resolution."""

EXIF_PARTS = (0x8769, 0x8825)
"""EXIF's directories inside the first: of the camera and of the place."""


PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's word for what so many channels are."""

INCH = 0.0254
"""Metres: PNG counts pixels in one."""


def encoded_png(
    values: Deep, exif: bytes, icc_profile: bytes, dpi: tuple[float, float] | None = None
) -> bytes:
    """Grey or colours ``(H, W, C)``, perhaps with alpha, as PNG."""
    chunks = _png_chunks(values, exif, icc_profile, dpi)
    return SIGNATURE + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def encoded_tiff(
    values: Array, exif: bytes, icc_profile: bytes, dpi: tuple[float, float] | None = None
) -> bytes:
    """A picture ``(H, W, C)`` of 8 or 16 bits as TIFF: grey or colours, perhaps with alpha."""
    from PIL import Image
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    height, width, channels = values.shape
    bits = 8 * values.itemsize
    content = zlib.compress(_differences(values).astype(f"<u{values.itemsize}").tobytes())
    tags = ImageFileDirectory_v2(prefix=b"II")
    if exif:
        read = Image.Exif()
        read.load(exif)
        for tag, value in read.items():
            tags[tag] = value
        for tag in EXIF_PARTS:
            if part := read.get_ifd(tag):
                tags[tag] = part
    if icc_profile:
        tags[34675] = icc_profile
    tags[256], tags[257], tags[258] = width, height, (bits,) * channels
    if dpi:
        tags[282], tags[283], tags[296] = *dpi, INCHES
    tags[259], tags[262], tags[317] = DEFLATE, GREY if channels < 3 else COLOUR, HORIZONTAL
    tags[277], tags[278] = channels, height
    tags[273], tags[279] = 0, len(content)  # the offset is counted from the end of the directory
    if channels in (2, 4):
        tags[338] = UNASSOCIATED
    stream = io.BytesIO()
    tags.save(stream)
    stream.write(content)
    return stream.getvalue()


def _png_chunks(
    values: Deep, exif: bytes, icc_profile: bytes, dpi: tuple[float, float] | None
) -> Iterator[tuple[bytes, bytes]]:
    height, width, channels = values.shape
    yield b"IHDR", struct.pack(">IIBBBBB", width, height, 16, PNG_COLOURS[channels], 0, 0, 0)
    if icc_profile:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile)
    if dpi:
        yield b"pHYs", struct.pack(">IIB", *(round(one / INCH) for one in dpi), 1)
    if exif:
        yield b"eXIf", exif.removeprefix(EXIF_PREFIX)
    yield b"IDAT", zlib.compress(_png_rows(values))
    yield b"IEND", b""


def _png_rows(values: Deep) -> bytes:
    import numpy as np

    height = values.shape[0]
    raw = values.astype(">u2").view(np.uint8).reshape(height, -1)
    rows = np.empty((height, 1 + raw.shape[1]), np.uint8)
    pixel = 2 * values.shape[2]
    rows[:, 0] = SUB
    rows[:, 1 : 1 + pixel] = raw[:, :pixel]
    np.subtract(raw[:, pixel:], raw[:, :-pixel], out=rows[:, 1 + pixel :])
    return rows.tobytes()


def _differences(values: Array) -> Array:
    """Each value less that of the pixel to the left, modulo its range."""
    made = values.copy()
    made[:, 1:] -= values[:, :-1]
    return made
