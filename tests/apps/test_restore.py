"""One picture restored without training data: files, tiles, architectures, and the search."""

from __future__ import annotations

import io
import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from nasir.apps.restore import files, mosaic, picture_search
from nasir.apps.restore.picture_search import middle
from nasir.apps.restore.restoration import Restoration
from nasir.apps.restore.restore import restore
from nasir.apps.restore.tiles import Canvas, cut, shares, spans
from nasir.apps.restore.window import Window, part
from nasir.core.errors import (
    EvaluationError,
    NasirError,
    PictureError,
    RunFolderError,
    SettingsError,
    UnknownNameError,
)
from nasir.core.evaluator import Problem
from nasir.core.strategy import SizedSearch
from nasir.core.task import Sample
from nasir.runs.result import write_result
from nasir.runs.run import create
from nasir.settings import building
from nasir.strategies.isnas import IsnasDip

TINY = ("space.depth=2", "space.width=4", "evaluator.iterations=3", "threads=1")
TOP, LEFT = 24, 20
RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (TOP, LEFT, 3), np.uint8)
GREY = RNG.integers(0, 256, (TOP, LEFT), np.uint8)
ALPHA = RNG.integers(0, 256, (TOP, LEFT), np.uint8)


def with_alpha(colours: np.ndarray) -> Image.Image:
    image = Image.fromarray(colours)
    image.putalpha(Image.fromarray(ALPHA))
    return image


PICTURES = {
    "L": Image.fromarray(GREY),
    "RGB": Image.fromarray(COLOUR),
    "LA": with_alpha(GREY),
    "RGBA": with_alpha(COLOUR),
    "I;16": Image.fromarray(GREY.astype(np.uint16) * 257 + 1),
    "P": Image.fromarray(COLOUR).quantize(16),
    "1": Image.fromarray(GREY > 99),
}
MODES = {name: name for name in PICTURES} | {"P": "RGB", "1": "L"}
"""In which mode a picture of each mode is written."""


def saved(path: Path, image: Image.Image | np.ndarray, **options: Any) -> Path:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def emptied(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return saved(tmp_path / "cat.png", COLOUR)


def refusal(kind: type[NasirError], *arguments: Any, **more: Any) -> str:
    """The one line with which a restoration is refused, having written nothing."""
    before = set(Path().rglob("*"))
    with pytest.raises(kind) as caught:
        restore(*arguments, **more)
    assert set(Path().rglob("*")) == before
    line = str(caught.value)
    assert "\n" not in line
    return line


# Tiles


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 150), st.integers(1, 150), st.integers(12, 80), st.integers(0, 30), st.data())
def test_tiles_cover_every_pixel_with_shares_that_sum_to_one(height, width, side, overlap, data):
    overlap = min(overlap, side // 2 - 1)
    whole = np.zeros((height, width))
    for tile in cut(height, width, side, overlap):
        assert tile.rows.stop - tile.rows.start <= side
        assert tile.columns.stop - tile.columns.start <= side
        assert tile.down.min() > 0
        assert tile.across.min() > 0
        whole[tile.rows, tile.columns] += np.outer(tile.down, tile.across)
    np.testing.assert_allclose(whole, 1, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2000), st.integers(8, 200), st.integers(0, 99))
def test_spans_have_one_size_overlap_enough_and_are_as_few_as_can_be(length, side, overlap):
    overlap = min(overlap, side // 2 - 1)
    found = spans(length, side, overlap)
    assert len({span.stop - span.start for span in found}) == 1
    assert found[0].start == 0
    assert found[-1].stop == length
    for one, following in pairwise(found):
        assert one.stop - following.start >= overlap
    fewest = 1 if length <= side else math.ceil((length - overlap) / (side - overlap))
    assert len(found) == fewest


def test_shares_are_linear_in_the_overlap():
    first, second = shares([slice(0, 6), slice(4, 10)], 10)
    np.testing.assert_allclose(first, [1, 1, 1, 1, 2 / 3, 1 / 3], rtol=1e-6)
    np.testing.assert_allclose(second, [1 / 3, 2 / 3, 1, 1, 1, 1], rtol=1e-6)


def test_side_0_is_one_tile():
    (tile,) = cut(700, 900, 0, 0)
    assert (tile.rows, tile.columns) == (slice(0, 700), slice(0, 900))


@pytest.mark.parametrize("scale", [1, 3])
def test_a_constant_picture_stays_constant_across_the_seams(scale: int):
    tiles = cut(50, 77, 32, 4)
    assert len(tiles) == 2 * 3
    canvas = Canvas(50 * scale, 77 * scale)
    for tile in tiles:
        larger = tile.enlarged(scale)
        size = (len(larger.down), len(larger.across), 3)
        canvas.add(larger, np.full(size, 0.25, np.float32))
    np.testing.assert_allclose(canvas.picture, np.full((50 * scale, 77 * scale, 3), 0.25), 1e-6)


def test_a_part_cuts_every_tensor_over_the_pixels():
    x = torch.arange(48.0).view(1, 1, 6, 8)
    sample = Sample("cat", x.expand(1, 3, 6, 8), clean=x, mask=torch.ones(1, 1, 6, 8))
    cut_out = part(sample, slice(1, 4), slice(2, 8))
    assert cut_out.degraded.shape == (1, 3, 3, 6)
    assert cut_out.mask.shape == (1, 1, 3, 6)
    assert cut_out.degraded[0, 0, 0, 0] == x[0, 0, 1, 2]
    assert cut_out.clean is None


def test_a_part_without_observed_pixels_is_refused():
    mask = torch.ones(1, 1, 6, 8)
    mask[..., :3] = 0
    sample = Sample("cat", torch.zeros(1, 3, 6, 8), mask=mask)
    with pytest.raises(PictureError, match=r"no pixel of cat .* columns 0 to 3: .*tile="):
        part(sample, slice(0, 6), slice(0, 3))


# Files


@pytest.mark.parametrize("mode", PICTURES)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_what_is_read_is_written_in_the_same_mode_with_the_same_pixels(
    tmp_path: Path, mode: str, suffix: str
):
    from nasir.tasks.pictures.reading import read_picture

    path = saved(tmp_path / f"a{suffix}", PICTURES[mode])
    photograph = files.read(path, emptied(tmp_path / "colours"))
    content = files.encoded(read_picture(photograph.colours), photograph, suffix)
    with Image.open(io.BytesIO(content)) as written:
        assert written.mode == MODES[mode]
        expected = PICTURES[mode].convert(MODES[mode]) if mode != "I;16" else PICTURES[mode]
        np.testing.assert_array_equal(np.asarray(written), np.asarray(expected))


def test_a_transparent_palette_becomes_alpha(tmp_path: Path):
    image = Image.fromarray(COLOUR).quantize(8)
    path = saved(tmp_path / "a.png", image, transparency=3)
    photograph = files.read(path, emptied(tmp_path / "colours"))
    np.testing.assert_array_equal(photograph.alpha == 0, np.asarray(image) == 3)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_the_pixels_and_reset(
    tmp_path: Path, mode: str, orientation: int
):
    from PIL import ImageOps

    from nasir.tasks.pictures.reading import read_picture

    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Camera"
    path = saved(tmp_path / "a.png", PICTURES[mode], exif=exif)
    photograph = files.read(path, emptied(tmp_path / "colours"))
    content = files.encoded(read_picture(photograph.colours), photograph, ".png")
    with Image.open(path) as file, Image.open(io.BytesIO(content)) as written:
        assert written.getexif()[0x0112] == 1
        assert written.getexif()[0x010F] == "Camera"
        np.testing.assert_array_equal(
            np.asarray(written), np.asarray(ImageOps.exif_transpose(file))
        )
        assert written.size == ((TOP, LEFT) if orientation > 4 else (LEFT, TOP))


def test_a_photograph_keeps_its_exif_and_profile_and_is_written_upright(tmp_path: Path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    exif.get_ifd(0x8769)[0x829A] = 0.5
    path = saved(tmp_path / "cat.jpg", COLOUR, exif=exif, icc_profile=profile)
    for output in ("out.png", "out.jpg", "out.tif", "out.webp"):
        done = restore(path, *TINY, output=tmp_path / output, strip=False)
        with Image.open(done.output) as written:
            assert written.size == (TOP, LEFT)
            assert written.info["icc_profile"] == profile
            kept = written.getexif()
            assert (kept[0x0112], kept[0x010F]) == (1, "Camera")
            assert kept.get_ifd(0x8769)[0x829A] == 0.5


def test_the_layout_of_a_tiff_is_not_taken_for_exif(tmp_path: Path):
    path = saved(tmp_path / "a.tif", COLOUR, tiffinfo={0x010F: "Camera"})
    photograph = files.read(path, emptied(tmp_path / "colours"))
    tags = Image.Exif()
    tags.load(photograph.exif)
    assert dict(tags) == {0x010F: "Camera", 0x0112: 1}


@pytest.mark.parametrize(("space", "kept"), [(b"RGB ", True), (b"CMYK", False), (b"GRAY", False)])
def test_a_profile_is_kept_where_it_describes_the_colours(tmp_path: Path, space: bytes, kept: bool):
    profile = b"\0" * 16 + space + b"\0" * 108
    photograph = files.Photograph(tmp_path, None, False, b"", profile)
    content = files.encoded(COLOUR / np.float32(255), photograph, ".png")
    with Image.open(io.BytesIO(content)) as written:
        assert written.info.get("icc_profile") == (profile if kept else None)


def test_files_are_written_all_or_none(tmp_path: Path):
    with pytest.raises(PictureError, match=r"cannot write .*No such file"):
        files.write({tmp_path / "a.png": b"1", tmp_path / "missing" / "b.png": b"2"})
    assert list(tmp_path.iterdir()) == []


# Restoring


@pytest.mark.parametrize("mode", PICTURES)
def test_a_picture_of_any_mode_is_restored_to_the_same(tmp_path: Path, mode: str):
    done = restore(saved(tmp_path / "cat.png", PICTURES[mode]), *TINY)
    assert done.output == tmp_path / "cat-restored.png"
    with Image.open(done.output) as written, Image.open(done.strip) as strip:
        assert written.mode == MODES[mode]
        assert written.size == (LEFT, TOP)
        most = 65535 if mode == "I;16" else 255
        colours = np.asarray(written).reshape(TOP, LEFT, -1)[..., : done.picture.shape[-1]]
        np.testing.assert_allclose(colours / most, done.picture, atol=0.5001 / most)
        assert strip.size == (2 * LEFT + 2, TOP)
        if "A" in mode:
            np.testing.assert_array_equal(np.asarray(written)[..., -1], ALPHA)
    assert [(stop.step, stop.iterations) for stop in done.stops] == [(3, 3)]


def test_the_strip_shows_before_and_after(picture: Path):
    done = restore(picture, *TINY)
    with Image.open(done.strip) as strip, Image.open(done.output) as written:
        both = np.asarray(strip)
        np.testing.assert_array_equal(both[:, :LEFT], COLOUR)
        np.testing.assert_array_equal(both[:, LEFT + 2 :], np.asarray(written))


def test_the_same_seed_gives_the_same_bytes_whatever_the_file_is_called(picture: Path):
    other = saved(picture.with_name("dog.png"), COLOUR)
    state = torch.get_rng_state()
    written = [restore(path, *TINY).output.read_bytes() for path in (picture, other)]
    assert written[0] == written[1]
    assert restore(picture, *TINY, "seed=1", force=True).output.read_bytes() != written[0]
    assert torch.equal(torch.get_rng_state(), state)


def test_large_pictures_are_restored_in_tiles_each_with_its_stop(tmp_path: Path):
    path = saved(tmp_path / "cat.png", RNG.integers(0, 256, (66, 121), np.uint8))
    hooks = []
    done = restore(path, *TINY, "tile=64", notify=lambda hook, **given: hooks.append((hook, given)))
    assert done.picture.shape == (66, 121, 1)
    assert hooks == [("tile_started", {"number": n, "tiles": 6}) for n in range(6)]
    assert len(done.stops) == 6


def test_super_resolution_enlarges_colours_and_alpha(tmp_path: Path):
    path = saved(tmp_path / "cat.png", PICTURES["RGBA"])
    done = restore(path, "task=sr", "task.scale=2", "tile=64", *TINY)
    with Image.open(done.output) as written, Image.open(done.strip) as strip:
        assert (written.mode, written.size) == ("RGBA", (2 * LEFT, 2 * TOP))
        alpha = Image.fromarray(ALPHA).resize((2 * LEFT, 2 * TOP), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(np.asarray(written)[..., 3], np.asarray(alpha))
        assert strip.size == (4 * LEFT + 2, 2 * TOP)


def test_inpainting_takes_a_mask(tmp_path: Path, picture: Path):
    mask = np.full((TOP, LEFT), 255, np.uint8)
    mask[5:9, 3:9] = 0
    words = ("task=inpaint", f"task.mask={saved(tmp_path / 'm.png', mask)}", *TINY)
    done = restore(picture, *words)
    with Image.open(done.strip) as strip:
        np.testing.assert_array_equal(
            np.asarray(strip)[:, :LEFT], np.where(mask[..., None] == 255, COLOUR, 0)
        )
    with Image.open(done.output) as restored:
        np.testing.assert_array_equal(np.asarray(restored)[mask == 255], COLOUR[mask == 255])
    white = saved(tmp_path / "white.png", np.full((TOP, LEFT), 255, np.uint8))
    line = refusal(PictureError, picture, "task=inpaint", f"task.mask={white}", force=True)
    assert "no hole to fill in" in line
    larger = saved(tmp_path / "larger.png", np.zeros((TOP + 1, LEFT), np.uint8))
    line = refusal(PictureError, picture, "task=inpaint", f"task.mask={larger}", force=True)
    assert "25 x 20 pixels and the picture 24 x 20" in line


@pytest.mark.parametrize(
    ("task", "published"),
    [
        (("task=denoise",), "nasdip_denoising"),
        (("task=sr", "task.scale=2"), "nasdip_super_resolution"),
        (("task=inpaint", "task.mask=hole.png", "task.known=fitted"), "nasdip_inpainting"),
    ],
)
def test_the_architecture_published_for_the_task_is_the_default(picture, task, published):
    saved(Path("hole.png"), np.pad(np.zeros((8, 4), np.uint8), 8, constant_values=255))
    done = restore(picture, *task, *TINY)
    assert done.chosen == published
    space = building.make("space", {"name": "nasdip", "depth": 2, "width": 4})
    assert done.architecture == space.named(published)


def test_an_architecture_comes_by_name_file_run_or_itself(tmp_path: Path, picture: Path):
    tree = {"space": {"name": "nasdip", "depth": 2, "width": 4}}
    space = building.make("space", tree["space"])
    architecture = space.domain.sample(np.random.default_rng(3))
    run = create(tmp_path / "run", tree, {})
    best = run.folder / "best"
    assert "no architecture yet" in refusal(SettingsError, picture, architecture=run.folder)
    write_result(best, architecture, tree)
    few = ("evaluator.iterations=2", "threads=1")
    for given_as in (run.folder, best, best / "architecture.json"):
        done = restore(picture, *few, architecture=given_as, force=True)
        assert done.architecture == architecture
    assert restore(picture, *TINY, architecture=architecture, force=True).chosen == "given"
    named = restore(picture, *TINY, "architecture=deep_image_prior", force=True)
    assert named.architecture == space.named("deep_image_prior")


def test_a_file_brings_the_settings_of_its_space(picture: Path):
    space = building.make("space", {"name": "nasdip", "depth": 3, "width": 8})
    write_result(
        Path("found"),
        space.named("nasdip_inpainting"),
        {"space": building.settings_of_component(space)},
        {},
    )
    assert "space 'nasdip'" in refusal(
        SettingsError, picture, architecture="found", space={"name": "toy"}
    )
    with pytest.raises(NasirError):
        restore(picture, *TINY[2:], "space.depth=1", architecture="found")
    done = restore(picture, *TINY[2:], architecture="found")
    assert done.architecture == space.named("nasdip_inpainting")


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (["architecture=deep_image_pior"], SettingsError, "'deep_image_prior'.*or auto"),
        (["architecture=none.json"], SettingsError, "cannot read architecture none.json"),
        (["architecture=."], RunFolderError, "no run's folder"),
        (["task=denose"], UnknownNameError, "did you mean 'denoise'"),
        (["space.depht=3"], UnknownNameError, "did you mean 'space.depth'"),
        (["trials=3"], UnknownNameError, "unknown setting 'trials'.*seconds"),
        (["tile=63"], SettingsError, "'tile' must be 0 or >= 64"),
        (["seed=1,2"], SettingsError, "wants one value here, got several"),
        (["depth"], SettingsError, "key=value"),
        (["strategy=rl"], SettingsError, "architecture=auto only"),
        (["architecture=auto", "strategy=rl"], SettingsError, "strategy=rl needs ground truth"),
        (["executor=inline"], SettingsError, "executor"),
        (["task.size=64"], SettingsError, "task.size cannot be set"),
        (["task=toy"], SettingsError, "ToyTask cannot be given degraded pictures"),
        (["evaluator=proxy", "evaluator.iterations=3"], UnknownNameError, "unknown setting"),
        (["evaluator=toy"], SettingsError, "evaluator=toy fits no network to a single picture"),
        (["task=inpaint"], SettingsError, "task.mask=FILE"),
        (["evaluator.lr=1e30"], EvaluationError, "the loss is nan"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(picture, words, kind, message):
    tiny = [word for word in TINY if words[0] != "evaluator=toy" or "evaluator" not in word]
    assert re.search(message, refusal(kind, picture, *tiny, *words))


def test_pictures_of_no_use_are_refused(tmp_path: Path, picture: Path):
    small = saved(tmp_path / "small.png", GREY[:15])
    assert "small has 15 x 20 pixels: pictures need 16 x 16" in refusal(PictureError, small, *TINY)
    for name, values in {"nan": np.nan, "large": 1.5}.items():
        path = saved(tmp_path / f"{name}.tif", np.full((20, 20), values, np.float32))
        assert "values outside [0, 1]" in refusal(PictureError, path, *TINY)
    (tmp_path / "text.png").write_text("no picture")
    assert "is no picture" in refusal(PictureError, "text.png", *TINY)
    assert "there is no picture" in refusal(PictureError, "x" * 300 + ".png", *TINY)
    assert "is a folder" in refusal(PictureError, tmp_path, *TINY)
    frames = [PICTURES["RGB"], PICTURES["RGB"].transpose(Image.Transpose.ROTATE_180)]
    several = saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert "several frames" in refusal(PictureError, several, *TINY)


def test_nothing_is_overwritten_unless_forced_and_the_picture_itself_never(picture: Path):
    Path("cat-restored-strip.png").write_text("mine")
    assert "cat-restored-strip.png exists" in refusal(PictureError, picture, *TINY)
    assert Path("cat-restored-strip.png").read_text() == "mine"
    restore(picture, *TINY, force=True)
    assert "cat-restored.png exists" in refusal(PictureError, picture, *TINY)
    line = refusal(PictureError, picture, *TINY, output=picture, force=True)
    assert "is the picture itself" in line
    np.testing.assert_array_equal(np.asarray(Image.open(picture)), COLOUR)


@pytest.mark.parametrize(
    ("mode", "output", "message"),
    [
        ("RGB", "out.gif", "its suffix must be one of .png"),
        ("RGB", "missing/out.png", "there is no folder missing"),
        ("RGBA", "out.jpg", "alpha channel, which .jpg cannot hold"),
        ("I;16", "out.webp", "16 bits, which .webp cannot hold"),
    ],
)
def test_an_output_that_cannot_be_is_refused_first(tmp_path: Path, mode, output, message):
    path = saved(tmp_path / "cat.png", PICTURES[mode])
    assert message in refusal(PictureError, path, *TINY, output=output)


def test_a_picture_that_a_format_cannot_hold_is_refused_first(tmp_path: Path):
    long = saved(tmp_path / "long.png", np.zeros((4100, 16, 3), np.uint8))
    message = "out.webp: .webp holds at most 16383 pixels a side, and the result has 16400 x 64"
    words = ("task=sr", "task.scale=4", *TINY)
    assert message in refusal(PictureError, long, *words, output="out.webp")
    for kind, suffix in (("WEBP", ".webp"), ("JPEG", ".jpg")):
        most = files.LONGEST_SIDE[kind]
        like = files.Photograph(Path(), None, False, b"", b"")
        files.check_size(Path(f"a{suffix}"), most, 1)
        assert files.encoded(np.zeros((most, 1, 3), np.float32), like, suffix)
        with pytest.raises(PictureError, match=f"at most {most} pixels"):
            files.check_size(Path(f"a{suffix}"), 1, most + 1)


def test_a_folder_that_cannot_be_written_is_refused_first(unwritable: Path):
    with pytest.raises(PictureError, match=r"cannot write to .*: Permission denied; .*output=OUT"):
        files.check_free(unwritable / "out.png", Path("cat.png"), force=False)


def test_interrupted_nothing_is_left(picture: Path):
    def interrupt(hook: str, **arguments: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(picture, *TINY, notify=interrupt)
    assert [path.name for path in Path().iterdir()] == ["cat.png"]


# Searching


def searched(picture: Path, *words: str, **more: Any) -> Restoration:
    return restore(picture, *TINY, "architecture=auto", *words, force=True, **more)


def test_auto_finds_an_architecture_of_the_space_and_keeps_it(picture: Path):
    hooks = []
    sizes = ("strategy.pool=5", "strategy.keep=3", "seconds=600")
    done = searched(picture, *sizes, notify=lambda hook, **given: hooks.append(hook))
    assert (done.search.scored, done.search.fitted) == (5, 3)
    assert done.search.architecture == done.architecture
    assert hooks.count("trial_finished") == 8
    again = restore(picture, *TINY[2:], architecture=done.description, force=True)
    assert again.architecture == done.architecture
    assert again.output.read_bytes() == done.output.read_bytes()
    assert searched(picture, *sizes).architecture == done.architecture


def test_without_time_auto_takes_the_usual_architecture(picture: Path):
    done = searched(picture, "seconds=0")
    assert (done.search.architecture, done.search.scored) == (None, 0)
    assert json.loads(done.description.read_text())["space"] == "nasdip"
    assert done.architecture == restore(picture, *TINY, force=True).architecture


def test_fits_end_with_the_time_and_the_best_score_is_taken(picture: Path, monkeypatch):
    # all scores come before the time is over, and no fit could
    def sized(self: IsnasDip, *given: Any) -> SizedSearch:
        return SizedSearch(attrs.evolve(self, pool=2, keep=2), 4)

    def after_scoring(problem: Problem, *given: Any) -> Any:
        problem.task.deadline = 0.0  # type: ignore[attr-defined]
        return search(problem, *given)

    search = picture_search._search
    monkeypatch.setattr(IsnasDip, "sized_to", sized)
    monkeypatch.setattr(picture_search, "_search", after_scoring)
    monkeypatch.setattr(mosaic, "restored", lambda *given, **more: (COLOUR / np.float32(255), ()))
    iterations = "evaluator.iterations=1000000"
    done = restore(picture, *TINY, iterations, "architecture=auto", "seconds=600")
    assert (done.search.scored, done.search.fitted) == (2, 0)
    assert done.search.architecture == done.architecture


def test_a_strangers_task_and_fitting_method_restore_a_picture(picture: Path, monkeypatch):
    words = ("task=toy_photo", "evaluator=toy_fit", "evaluator.steps=4", "space=toy", "threads=1")
    done = restore(picture, *words)
    with Image.open(done.output) as written:
        assert (written.mode, written.size) == ("L", (LEFT, TOP))
    assert (done.task, done.chosen) == ("toy_photo", "smallest")
    assert [(stop.step, stop.iterations) for stop in done.stops] == [(4, 4)]
    large = saved(picture.with_name("dog.png"), RNG.integers(0, 256, (70, 70, 3), np.uint8))
    assert len(restore(large, *words, "tile=64").stops) == 4
    found = restore(picture, *words, "architecture=auto", "seconds=20", force=True)
    assert found.search.fitted > 0
    assert found.search.architecture == found.architecture
    line = refusal(SettingsError, picture, *words, "task.photo=dog.png", force=True)
    assert line == "task.photo cannot be set: the picture is the one to be restored"


def test_auto_takes_any_strategy_where_held_out_pixels_reward(picture: Path):
    words = ("strategy=evolution", "evaluator.reward=heldout", "seconds=3")
    done = searched(picture, *words)
    assert done.search.fitted > 0
    assert done.search.scored == 0
    assert done.search.architecture == done.architecture
    line = refusal(SettingsError, picture, *TINY, "architecture=auto", words[0])
    assert "strategy=evolution needs ground truth, which the picture has not" in line


def test_a_window_past_its_deadline_ends_the_fit():
    task = building.make("task", {"name": "denoise"})
    sample = Sample("cat", torch.zeros(1, 3, 20, 20))
    assert Window(task, sample).loss(torch.ones(1, 3, 20, 20), sample) == 1
    with pytest.raises(EvaluationError, match="time for the search is over"):
        Window(task, sample, deadline=0.0).loss(sample.degraded, sample)


def test_the_search_looks_where_pixels_are_there_nearest_the_middle():
    x = torch.zeros(1, 3, 384, 384)
    x[..., 128:256, 128:256] = 1
    assert (middle(Sample("cat", x), 1).degraded == 1).all()
    mask = torch.zeros(1, 1, 384, 384)
    mask[..., :128, 256:] = 1
    assert (middle(Sample("cat", x, mask=mask), 1).mask == 1).all()
    assert middle(Sample("cat", x), 4).degraded.shape[-2:] == (32, 32)
