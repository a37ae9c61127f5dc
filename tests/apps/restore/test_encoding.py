"""Files that nasir encodes itself are read by other programs, with EXIF and profile."""

from __future__ import annotations

import io
from pathlib import Path

import attrs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from nasir.apps.restore import files
from nasir.apps.restore.encoding import encoded_png, encoded_tiff
from nasir.apps.restore.restore import restore
from nasir.core.errors import PictureError
from nasir.tasks.pictures.reading import deep_colours, read_picture

TINY = ("space.depth=2", "space.width=4", "evaluator.iterations=2", "threads=1")
VALUES = np.random.default_rng(0).integers(0, 65536, (20, 24, 4), np.uint16)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ENCODERS = {".png": encoded_png, ".tif": encoded_tiff}


def exif_of(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera", orientation
    exif.get_ifd(0x8769)[0x829A] = 0.5  # seconds of exposure
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_another_library_reads_a_tiff_to_the_bit(bits: int, channels: int):
    values = VALUES[..., :channels] if bits == 16 else (VALUES[..., :channels] >> 8).astype("u1")
    read = tifffile.imread(io.BytesIO(encoded_tiff(values, exif_of(), PROFILE)))
    np.testing.assert_array_equal(read.reshape(values.shape), values)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_png_is_valid_and_holds_the_values_by_the_standard(channels: int):
    values = VALUES[..., :channels]
    with Image.open(io.BytesIO(encoded_png(values, exif_of(), PROFILE))) as file:
        file.verify()  # the checksums of its chunks
    with Image.open(io.BytesIO(encoded_png(values, exif_of(), PROFILE))) as file:
        np.testing.assert_array_equal(np.asarray(file), values >> 8)


@pytest.mark.parametrize("suffix", ENCODERS)
@pytest.mark.parametrize("channels", [3, 4])
def test_what_is_written_is_read_to_the_bit(tmp_path: Path, suffix: str, channels: int):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(ENCODERS[suffix](VALUES[..., :channels], b"", b""))
    colours, alpha = deep_colours(path)
    np.testing.assert_array_equal(colours, VALUES[..., :3])
    if channels == 4:
        np.testing.assert_array_equal(alpha, VALUES[..., 3])
    else:
        assert alpha is None


@pytest.mark.parametrize("suffix", ENCODERS)
def test_exif_and_profile_are_kept(suffix: str):
    content = ENCODERS[suffix](VALUES[..., :3], exif_of(), PROFILE)
    with Image.open(io.BytesIO(content)) as file:
        exif = file.getexif()
        assert exif[0x010F] == "Camera"
        assert exif.get_ifd(0x8769)[0x829A] == 0.5
        assert exif.get_ifd(0x8825)[1] == "N"
        assert file.info["icc_profile"] == PROFILE


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ENCODERS)
@pytest.mark.parametrize("channels", [3, 4])
def test_a_picture_is_turned_as_it_was_taken(
    tmp_path: Path, suffix: str, orientation: int, channels: int
):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(ENCODERS[suffix](VALUES[..., :channels], exif_of(orientation), PROFILE))
    folder = tmp_path / "colours"
    folder.mkdir()
    photograph = files.read(path, folder)
    assert photograph.deep
    content = files.encoded(read_picture(photograph.colours), photograph, ".tif")
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = []
    for channel in range(channels):
        plane = Image.fromarray(VALUES[..., channel].astype(np.float32))
        plane.getexif()[0x0112] = orientation
        turned.append(np.asarray(ImageOps.exif_transpose(plane)).astype(np.uint16))
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(content)), np.stack(turned, -1))
    with Image.open(io.BytesIO(content)) as file:
        assert file.getexif()[0x0112] == 1
        assert file.info["icc_profile"] == PROFILE


@pytest.mark.parametrize("suffix", ENCODERS)
def test_a_restored_picture_has_sixteen_bits_again(tmp_path: Path, suffix: str):
    path = tmp_path / "a.png"
    path.write_bytes(encoded_png(VALUES, exif_of(), PROFILE))
    done = restore(path, *TINY, output=tmp_path / f"out{suffix}")
    colours, alpha = deep_colours(done.output)
    np.testing.assert_allclose(colours / 65535, done.picture, atol=0.5001 / 65535)
    assert len(np.unique(colours)) > 1000
    np.testing.assert_array_equal(alpha, VALUES[..., 3])
    with Image.open(done.strip) as strip:
        assert (strip.mode, strip.size) == ("RGBA", (2 * 24 + 2, 20))


def test_alpha_is_enlarged_with_sixteen_bits(tmp_path: Path):
    path = tmp_path / "a.png"
    flat = np.full((20, 24, 4), 12345, np.uint16)
    path.write_bytes(encoded_png(flat, b"", b""))
    done = restore(path, *TINY, "task=sr", "task.scale=2", output=tmp_path / "out.png")
    _, alpha = deep_colours(done.output)
    assert alpha.shape == (40, 48)
    assert np.unique(alpha).tolist() == [12345]


def test_a_format_with_eight_bits_is_refused(tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded_png(VALUES[..., :3], b"", b""))
    with pytest.raises(PictureError, match=r"16 bits, which \.jpg cannot hold"):
        restore(path, *TINY, output=tmp_path / "out.jpg")


def test_a_profile_of_another_kind_of_colours_is_dropped(tmp_path: Path):
    grey = PROFILE[:16] + b"GRAY" + PROFILE[20:]
    like = files.Photograph(tmp_path, None, True, b"", grey)
    content = files.encoded(np.zeros((4, 4, 3), np.float32), like, ".png")
    with Image.open(io.BytesIO(content)) as file:
        assert "icc_profile" not in file.info
    content = files.encoded(
        np.zeros((4, 4, 3), np.float32), attrs.evolve(like, icc_profile=PROFILE), ".png"
    )
    with Image.open(io.BytesIO(content)) as file:
        assert file.info["icc_profile"] == PROFILE


def test_grey_with_alpha_of_16_bits_is_read_to_the_bit(tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded_png(VALUES[..., :2], b"", b""))
    colours, alpha = deep_colours(path)
    np.testing.assert_array_equal(colours[..., 0], VALUES[..., 0])
    np.testing.assert_array_equal(alpha, VALUES[..., 1])


@pytest.mark.parametrize("most", [1023, 65535])
def test_a_ppm_with_more_than_8_bits_keeps_them(tmp_path: Path, most: int):
    values = VALUES[..., :3] % np.uint32(most + 1)
    head = f"P6\n# made by hand\n24 20\n{most}\n".encode()
    (tmp_path / "a.ppm").write_bytes(head + values.astype(">u2").tobytes())
    np.testing.assert_allclose(read_picture(tmp_path / "a.ppm"), values / most, atol=1 / 65535)


@pytest.mark.parametrize(
    ("suffix", "deep"),
    [(".png", False), (".png", True), (".tif", False), (".tif", True), (".jpg", False)],
)
def test_dots_per_inch_are_kept(tmp_path: Path, suffix: str, deep: bool):
    like = files.Photograph(Path(), None, deep, b"", b"", (300.0, 150.0))
    written = files.encoded(VALUES[..., :3] / np.float32(65535), like, suffix)
    with Image.open(io.BytesIO(written)) as file:
        assert [round(float(one)) for one in file.info["dpi"]] == [300, 150]
