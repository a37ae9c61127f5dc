"""Picture files of all kinds that are read, damaged, and headers that promise too much."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from fuzzing.mutations import damaged
from fuzzing.outcomes import Case
from nasir.apps.restore import files
from nasir.cli.main import main
from nasir.tasks.pictures.reading import find_pictures, picture_shape, read_picture

SIZE = (24, 20)

MEMORY = 3000
"""MiB that a photograph of a hundred million pixels takes, which a damaged header may promise."""

KINDS = (
    *(("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    *(("JPEG", mode) for mode in ("L", "RGB", "CMYK")),
    *(("BMP", mode) for mode in ("1", "L", "P", "RGB")),
    *(("TIFF", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F")),
    *(("WEBP", mode) for mode in ("RGB", "RGBA")),
    *(("GIF", mode) for mode in ("L", "P")),
    *(("PPM", mode) for mode in ("L", "RGB", "I;16")),
)


@cache
def picture(form: str, mode: str) -> bytes:
    """A small picture as a file, with an EXIF orientation and a profile where it can have them."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    if mode == "I;16":
        image = Image.fromarray(values[..., 0].astype(np.uint16) * 257)
    elif mode == "F":
        image = Image.fromarray(values[..., 0].astype(np.float32) / 255)
    else:
        image = Image.fromarray(values).convert("RGBA" if mode == "PA" else mode)
    options: dict[str, object] = {}
    if form in ("PNG", "JPEG", "WEBP", "TIFF"):
        exif = Image.Exif()
        exif[0x0112] = 6
        exif[0x010E] = "made up"
        options["exif"] = exif
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def overdone(rng: Random) -> bytes:
    """Headers of huge pictures, EPS that would be run, blocks that unpack to gigabytes."""
    side = rng.choice((0, 1, 100_000, 2**31 - 1, 2**32 - 1))
    other = rng.choice((1, 100_000, 2**31 - 1, 20))
    return rng.choice(
        (
            png(side, other, b""),
            png(side, other, zlib.compress(bytes(1000))),
            png(20, 20, _zeros(10)),
            png(20, 20, b"", _chunk(b"zTXt", b"a\0\0" + _zeros(300))),
            png(20, 20, b"", _chunk(b"iCCP", b"a\0\0" + _zeros(300))),
            b"P6\n%d %d\n255\n" % (side, other),
            b"P5 " + b"9" * 5000 + b" 1 255\n",
            b"GIF89a" + struct.pack("<HHBBB", side & 0xFFFF, other & 0xFFFF, 0x80, 0, 0),
            b"BM" + struct.pack("<IHHIIiiHHI", 54, 0, 0, 54, 40, side >> 1, other >> 1, 1, 24, 0),
            POSTSCRIPT,
            b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + struct.pack("<IIQ", 10, 0, 2**64 - 1),
            b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 65535) + bytes(30),
            b"II*\0" + struct.pack("<I", 8) + struct.pack("<HHHIII", 1, 256, 4, 1, 9, 8),
        )
    )


POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 24 20
%%EndComments
(ran) (w) file closefile
showpage
"""
"""A picture that is a program, which Pillow would have Ghostscript run."""


def png(width: int, height: int, data: bytes, *more: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [_chunk(b"IHDR", header), *more, _chunk(b"IDAT", data), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


@cache
def _zeros(megabytes: int) -> bytes:
    """Zeros in a thousandth of their size."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(10**6)) for _ in range(megabytes)]
    return b"".join([*parts, packer.flush()])


def content(rng: Random) -> bytes:
    """A damaged picture."""
    if rng.randrange(12) == 0:
        return overdone(rng)
    form, mode = rng.choice(KINDS)
    other = picture(*rng.choice(KINDS))
    return damaged(picture(form, mode), rng, other)


def case(rng: Random, folder: Path) -> Case:
    """Read a damaged picture as tasks do, or read and write it as ``nasir restore`` does."""
    made = content(rng)
    several = folder / "several"
    file = several / rng.choice(("a.png", "a.jpg", "a.tif", "a.PNG", "a.x"))
    label = rng.choice(("read", "shape", "restore", "folder"))

    def prepare() -> None:
        if several.exists():
            shutil.rmtree(several)
        several.mkdir()
        file.write_bytes(made)
        (several / "whole.png").write_bytes(picture("PNG", "RGB"))

    what = made if len(made) < 200 else made[:60] + b" ..."

    def action() -> int | None:
        if label == "folder":
            words = ("task=denoise", "method=wavelet", "-o", f"{folder}/out/", "--force")
            return main(["restore", str(several), *words])
        if label == "restore":
            read = files.read(file, folder)
            values = read_picture(read.colours)
            suffix = ".png" if read.deep or read.alpha is not None else ".jpg"
            files.check_size(file.with_suffix(suffix), *values.shape[:2])
            files.encoded(values, read, suffix)
            return None
        (path,) = find_pictures([str(file)])
        shape = picture_shape(path)
        if label == "read":
            values = read_picture(path)
            assert values.shape == shape, f"{values.shape} is not the {shape} that was reported"
            assert bool(np.isfinite(values).all()), "not finite"
        return None

    return Case(
        f"pictures: {label}",
        f"{file.name} {what!r}",
        action,
        prepare,
        MEMORY,
    )
