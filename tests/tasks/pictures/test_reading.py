from __future__ import annotations

import contextlib
import io
import os
import re
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasir.core.errors import PictureError
from nasir.tasks.pictures.reading import find_pictures, has_pictures, picture_shape, read_picture

GREY = (np.arange(20 * 24, dtype=np.uint8) * 7).reshape(20, 24)
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], -1)
TURNS = {
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).T,
    8: np.rot90,
}
"""What brings a picture upright, by its Exif orientation."""


def saved(path: Path, picture: np.ndarray | Image.Image, **options: object) -> Path:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(path, **options)
    return path


def refusal(path: Path) -> str:
    """The one line with which `path` is refused."""
    with pytest.raises(PictureError) as caught:
        read_picture(path)
    line = str(caught.value)
    assert path.name in line
    assert "\n" not in line
    return line


def assert_reads(path: Path, expected: np.ndarray) -> None:
    """That `path` holds `expected` ``(H, W, C)``, to the rounding of float32."""
    read = read_picture(path)
    assert read.dtype == np.float32
    assert read.shape == expected.shape
    np.testing.assert_allclose(read, expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "pgm", "gif"])
def test_grey_pictures_have_one_channel(tmp_path: Path, suffix: str):
    assert_reads(saved(tmp_path / f"a.{suffix}", GREY), GREY[..., None] / 255)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm"])
def test_colour_pictures_have_three_channels(tmp_path: Path, suffix: str):
    assert_reads(saved(tmp_path / f"a.{suffix}", COLOUR), COLOUR / 255)


def test_a_palette_is_looked_up(tmp_path: Path):
    picture = Image.fromarray(COLOUR).quantize(16)
    expected = np.asarray(picture.convert("RGB")) / 255
    assert_reads(saved(tmp_path / "a.png", picture), expected)


def test_one_bit_is_black_and_white(tmp_path: Path):
    path = saved(tmp_path / "a.png", Image.fromarray(GREY > 99))
    assert_reads(path, (GREY > 99)[..., None].astype(float))


def test_cmyk_becomes_rgb(tmp_path: Path):
    inks = np.stack([GREY, 255 - GREY, GREY // 2, np.zeros_like(GREY)], -1)
    path = saved(tmp_path / "a.tif", Image.frombytes("CMYK", (24, 20), inks.tobytes()))
    assert_reads(path, 1 - inks[..., :3] / 255)


def test_cmyk_becomes_rgb_by_its_profile(tmp_path: Path):
    """A profile by which all inks are the grey L* = 50: 119 of 255 in sRGB."""
    inks = np.stack([np.maximum(GREY, 16)] * 4, -1)  # LittleCMS makes paper without ink white
    picture = Image.frombytes("CMYK", (24, 20), inks.tobytes())
    picture.save(tmp_path / "a.tif", icc_profile=one_colour(50))
    np.testing.assert_allclose(255 * read_picture(tmp_path / "a.tif"), 119, atol=1)
    picture.save(tmp_path / "b.tif", icc_profile=b"nothing" * 30)
    assert_reads(tmp_path / "b.tif", np.asarray(picture.convert("RGB")) / 255)


def one_colour(lightness: float) -> bytes:
    """A profile of ICC 2 with a lookup table from CMYK to one grey of CIELAB."""
    node = bytes([round(lightness * 2.55), 128, 128])
    identity = struct.pack(">9i", *(65536 * (place % 4 == 0) for place in range(9)))
    curve = bytes(range(256))
    white = struct.pack(">3i", 63190, 65536, 54061)
    tags = {
        b"A2B0": b"mft1"
        + bytes((0, 0, 0, 0, 4, 3, 2, 0))
        + identity
        + 4 * curve
        + 16 * node
        + 3 * curve,
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x" + bytes(79),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + white,
    }
    table, content = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        table += name + struct.pack(">II", start + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    head = struct.pack(">I4sI", start + len(content), b"lcms", 0x02400000) + b"prtrCMYKLab "
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white
    return head.ljust(128, b"\0") + table + content


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_of_grey_are_kept(tmp_path: Path, suffix: str):
    deep = GREY.astype(np.uint16) * 257 - (GREY > 3)
    assert_reads(saved(tmp_path / f"a.{suffix}", deep), deep[..., None] / 65535)


def test_sixteen_bits_are_read_in_the_other_byte_order(tmp_path: Path):
    deep = GREY.astype(np.uint16) * 250
    big = Image.frombytes("I;16B", (24, 20), deep.astype(">u2").tobytes())
    assert_reads(saved(tmp_path / "a.tif", big), deep[..., None] / 65535)


def test_integers_up_to_sixteen_bits_are_read_and_others_refused(tmp_path: Path):
    values = GREY.astype(np.int32) * 257
    assert_reads(saved(tmp_path / "a.tif", values), values[..., None] / 65535)
    assert "16 bits" in refusal(saved(tmp_path / "more.tif", values + 1))
    assert "8 or 16" in refusal(saved(tmp_path / "less.tif", values - 1))


def test_floats_in_range_are_read_and_others_refused(tmp_path: Path):
    values = (GREY / 255).astype(np.float32)
    assert_reads(saved(tmp_path / "a.tif", values), values[..., None])
    for wrong in (values + 0.1, values - 0.1, np.where(GREY == 7, np.nan, values)):
        assert "[0, 1]" in refusal(saved(tmp_path / "wrong.tif", wrong.astype(np.float32)))


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix", ["png", "tif", "deflated.tif"])
def test_pictures_are_turned_as_they_were_taken(tmp_path: Path, suffix: str, orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"compression": "tiff_deflate"} if suffix == "deflated.tif" else {}
    path = saved(tmp_path / f"a.{suffix}", GREY, exif=exif, **options)
    assert_reads(path, TURNS[orientation](GREY)[..., None] / 255)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_opaque_alpha_is_dropped_and_transparency_refused(tmp_path: Path, mode: str):
    plain = GREY[..., None] if mode == "LA" else COLOUR
    picture = Image.fromarray(plain.squeeze()).convert(mode)
    assert_reads(saved(tmp_path / "opaque.png", picture), plain / 255)
    alpha = Image.new("L", (24, 20), 255)
    alpha.putpixel((3, 4), 254)
    picture.putalpha(alpha)
    assert "flatten" in refusal(saved(tmp_path / "glass.png", picture))


def test_a_transparent_colour_that_occurs_is_refused_and_one_that_does_not_is_ignored(
    tmp_path: Path,
):
    indexed = Image.fromarray(GREY).convert("P")
    deep = GREY.astype(np.uint16) * 256
    for name, picture, present, absent in (
        ("grey", GREY // 2, 7, 200),
        ("colour", COLOUR, tuple(map(int, COLOUR[0, 0])), (1, 2, 3)),
        ("deep", deep, 7 * 256, 1),
    ):
        path = saved(tmp_path / f"{name}.png", picture, transparency=present)
        assert "flatten" in refusal(path)
        values = np.atleast_3d(picture / (65535 if name == "deep" else 255))
        assert_reads(saved(tmp_path / f"{name}.png", picture, transparency=absent), values)
    assert "flatten" in refusal(saved(tmp_path / "palette.png", indexed, transparency=7))
    read_picture(saved(tmp_path / "palette.png", indexed, transparency=b"\xff" * 8))


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_several_frames_are_refused(tmp_path: Path, suffix: str):
    other = Image.fromarray(255 - COLOUR)
    path = saved(tmp_path / f"a.{suffix}", COLOUR, save_all=True, append_images=[other])
    assert re.search(r"several (frames|pages) \(2\): save the one", refusal(path))


def test_what_a_telephone_adds_to_a_photograph_is_ignored(tmp_path: Path):
    depth = [Image.fromarray(GREY)]
    path = saved(tmp_path / "a.jpg", COLOUR, format="MPO", save_all=True, append_images=depth)
    stream = io.BytesIO()
    Image.fromarray(COLOUR).save(stream, "JPEG")
    assert_reads(path, np.asarray(Image.open(stream)) / 255)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    assert "No such file" in refusal(tmp_path / "missing.png")
    assert "directory" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert "picture" in refusal(path)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path):
    path = saved(tmp_path / "a.png", GREY)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "Permission denied" in refusal(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "ppm", "tif", "gif", "webp"])
@pytest.mark.filterwarnings("error")
def test_a_picture_that_is_cut_short_or_damaged_is_refused_or_read(tmp_path: Path, suffix: str):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    path = saved(tmp_path / f"a.{suffix}", noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refusal(path)
    for _ in range(100):
        content = np.frombuffer(whole, np.uint8).copy()
        content[rng.integers(0, min(len(content), 200), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(content.tobytes())
        with contextlib.suppress(PictureError):
            read_picture(path)


def test_a_decompression_bomb_is_refused(tmp_path: Path):
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    assert "too large" in refusal(path)


def test_the_pictures_of_a_folder_are_found_by_name(tmp_path: Path):
    for name in ("b.png", "a.JPG", "c.tiff", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [p.name for p in find_pictures([str(tmp_path)])] == ["a.JPG", "b.png", "c.tiff"]


def test_patterns_keep_their_order_and_a_file_is_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png", "c.jpg", "d.txt"):
        Path(name).touch()
    Path("below").mkdir()
    names = find_pictures(["b.png", "*", "below/../a.png", str(tmp_path / "c.jpg")])
    assert names == [Path("b.png"), Path("a.png"), Path("c.jpg")]


def test_the_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = saved(tmp_path / "a.png", GREY)
    assert find_pictures(["~/a.png"]) == find_pictures(["~/*.png"]) == [path]


def test_a_file_with_a_glob_in_its_name_is_itself(tmp_path: Path):
    path = saved(tmp_path / "a[1].png", GREY)
    saved(tmp_path / "a1.png", GREY)
    assert find_pictures([str(path)]) == [path]


@pytest.mark.parametrize(
    "pattern", ["", "none.png", "*.png", "empty", "~nobody_of_that_name/a.png", "x" * 300, "\0"]
)
def test_a_pattern_that_means_no_picture_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("empty", "notes.txt").touch()
    with pytest.raises(PictureError, match="picture"):
        find_pictures([pattern])


def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(PictureError, match=r"a\.png is neither"):
        find_pictures([str(tmp_path / "a.png")])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "I"])
def test_the_header_gives_the_shape_that_is_read(tmp_path: Path, mode: str):
    picture = Image.new("RGB", (7, 5), "red").convert("L" if mode in ("I;16", "F", "I") else mode)
    if mode in ("I;16", "F", "I"):
        values = np.zeros((5, 7), {"I;16": np.uint16, "F": np.float32, "I": np.int32}[mode])
        picture = Image.fromarray(values)
    picture.save(tmp_path / "a.tif")
    assert picture_shape(tmp_path / "a.tif") == read_picture(tmp_path / "a.tif").shape


@pytest.mark.parametrize("colour", [True, False])
def test_the_palette_says_whether_there_is_colour(tmp_path: Path, colour: bool):
    picture = Image.new("RGB", (7, 5), "red" if colour else "grey").quantize(4)
    picture.save(tmp_path / "a.png")
    assert picture_shape(tmp_path / "a.png") == (5, 7, 3 if colour else 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_the_header_says_which_way_up_a_picture_is(tmp_path: Path, orientation: int, suffix: str):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (32, 16)).save(path, exif=exif)
    assert picture_shape(path) == read_picture(path).shape


def test_a_header_that_cannot_be_read_is_reported_as_the_picture_is(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"a\.png is no picture"):
        picture_shape(tmp_path / "a.png")
    with pytest.raises(PictureError, match=r"cannot read .*b\.png"):
        picture_shape(tmp_path / "b.png")


def test_a_folder_has_pictures_right_in_it_or_not(tmp_path: Path):
    (tmp_path / "below").mkdir()
    Image.new("L", (5, 5)).save(tmp_path / "below" / "a.png")
    assert not has_pictures(str(tmp_path))
    assert has_pictures(str(tmp_path / "below"))


# Colour with 16 bits

DEEP = np.random.default_rng(0).integers(0, 65536, (20, 24, 4), np.uint16)


def deep_tiff(path: Path, values: np.ndarray, **options: object) -> Path:
    import tifffile

    tifffile.imwrite(path, values, photometric="rgb", **options)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True, "byteorder": ">"},
        {"tile": (16, 16)},
        {"rowsperstrip": 7},
    ],
)
def test_sixteen_bits_of_colour_are_kept(tmp_path: Path, options: dict[str, object]):
    path = deep_tiff(tmp_path / "a.tif", DEEP[..., :3], **options)
    assert_reads(path, DEEP[..., :3] / 65535)
    assert picture_shape(path) == (20, 24, 3)
    opaque = np.where(np.arange(4) == 3, 65535, DEEP).astype(np.uint16)
    path = deep_tiff(tmp_path / "b.tif", opaque, extrasamples=["unassalpha"], **options)
    assert_reads(path, DEEP[..., :3] / 65535)
    assert "flatten" in refusal(deep_tiff(path, DEEP, extrasamples=["unassalpha"], **options))


def test_sixteen_bits_in_planes_are_refused(tmp_path: Path):
    planes = DEEP[..., :3].transpose(2, 0, 1).copy()
    for compression in (None, "zlib"):
        path = tmp_path / "a.tif"
        deep_tiff(path, planes, planarconfig="separate", compression=compression)
        assert "its channels in planes" in refusal(path)


# HEIC


def test_heic_is_read_where_pillow_heif_is_installed(tmp_path: Path):
    heif = pytest.importorskip("pillow_heif")
    smooth = np.tile(np.linspace(0, 255, 64).astype(np.uint8)[:, None, None], (1, 64, 3))
    path = tmp_path / "a.heic"
    heif.from_pillow(Image.fromarray(smooth)).save(path, quality=90)
    np.testing.assert_allclose(read_picture(path), smooth / 255, atol=0.02)
    assert picture_shape(path) == (64, 64, 3)


def test_heic_names_the_package_that_it_needs(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    assert "a.heic is HEIC, which needs pillow-heif: pip install 'nasir[heic]'" in refusal(path)
    assert find_pictures([str(tmp_path)]) == [path]


def test_pictures_of_a_folder_that_are_not_read_are_named_once(tmp_path: Path, caplog):
    for name in ("a.avif", "b.DNG", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(
        PictureError, match=r"no pictures that are read; save a\.avif, b\.DNG as PNG"
    ):
        find_pictures([str(tmp_path)])
    path = saved(tmp_path / "c.jfif", GREY, format="JPEG")
    assert find_pictures([str(tmp_path)]) == [path]
    assert caplog.messages == [f"a.avif, b.DNG in {tmp_path} is not read: save it as PNG or TIFF"]
