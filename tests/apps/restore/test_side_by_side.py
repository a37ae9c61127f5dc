"""One picture restored in every way that applies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from nasir.apps.restore import side_by_side
from nasir.apps.restore.side_by_side import restore_by_all
from nasir.core.errors import PictureError, SettingsError

TINY = ("space.depth=2", "space.width=4", "evaluator.iterations=2", "threads=1")


QUICK = (*TINY, "seconds=0")
"""What takes long is left out, and the fit is cut short."""


def photograph(side: int) -> Path:
    """With white noise of sigma 25."""
    clean = data.chelsea()[120 : 120 + side, 120 : 120 + side].astype(float)
    values = clean + np.random.default_rng(0).normal(0, 25, clean.shape)
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).save("cat.png")
    return Path("cat.png")


@pytest.fixture
def noisy() -> Path:
    return photograph(48)


def test_methods_and_a_fit_are_written_with_a_page(noisy: Path):
    made = restore_by_all(noisy, *TINY)
    done = {way.name: way for way in made.ways if way.error is None}
    assert {"nlm", "tv", "fit"} <= done.keys()
    assert all(way.output == Path("cat-compared") / f"{name}.png" for name, way in done.items())
    assert all(Image.open(way.output).size == (48, 48) for way in done.values())
    assert all(way.seconds > 0 for way in done.values())
    text = made.page.read_text()
    assert text.count(' data-view="') == 1 + len(done)
    assert "nasir restore cat.png task=denoise threads=1 method=nlm" in text
    left = {way.name: way.error for way in made.ways if way.error is not None}
    assert "task=sr" in left["bicubic"]
    # the least estimated risk comes first, and a fit has none
    ways = list(done.values())
    risks = [way.risk for way in ways if way.risk is not None]
    assert risks == sorted(risks)
    assert len(risks) >= 2
    assert (ways[-1].name, ways[-1].risk) == ("fit", None)


def test_a_task_is_tried_by_what_suits_it(noisy: Path):
    made = restore_by_all(noisy, "task=sr", "task.scale=2", *TINY)
    done = {way.name: way for way in made.ways if way.error is None}
    assert {"bicubic", "sr2", "fit"} <= done.keys()
    assert "jpeg" not in {way.name for way in made.ways}
    assert Image.open(done["bicubic"].output).size == (96, 96)


def test_a_large_picture_is_not_fitted_for_a_look(noisy: Path, monkeypatch):
    monkeypatch.setattr(side_by_side, "LARGEST_FIT", 1000)
    (fit,) = (way for way in restore_by_all(noisy, *QUICK).ways if way.kind == "fit")
    assert "too large for a look" in fit.error


@pytest.mark.parametrize(
    ("words", "kind", "reported"),
    [
        (["method=nlm"], SettingsError, "all methods and networks are tried"),
        (["network=denoise"], SettingsError, "all methods and networks are tried"),
    ],
)
def test_a_way_that_is_named_is_refused(noisy: Path, words, kind, reported):
    with pytest.raises(kind, match=reported):
        restore_by_all(noisy, *words)
    assert not Path("cat-compared").exists()


def test_a_folder_that_holds_files_is_kept_unless_forced(noisy: Path):
    Path("cat-compared").mkdir()
    Path("cat-compared/mine.txt").write_text("mine")
    with pytest.raises(PictureError, match="cat-compared is not empty: add force=True"):
        restore_by_all(noisy, *QUICK)
    restore_by_all(noisy, *QUICK, force=True)
    assert Path("cat-compared/mine.txt").read_text() == "mine"
    with pytest.raises(PictureError, match=r"cat\.png is a file: several results need a folder"):
        restore_by_all(noisy, *QUICK, output=noisy)


def test_a_way_that_would_take_too_long_is_left_out():
    made = restore_by_all(photograph(96), *QUICK, "tile=64")
    ways = {way.name: way for way in made.ways}
    assert "it would take" in ways["nlm"].error
    assert "seconds= gives more" in ways["denoise"].error
    assert ways["fit"].cut_short
    assert "cut short" in made.page.read_text()
