"""Pictures come into a page whole where they may, and never too heavy."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from apps.report.conftest import pictures, trial
from PIL import Image

from nasir.apps.report import pictures as module
from nasir.apps.report.pictures import differences, pictures_of


def decoded(source: str) -> np.ndarray:
    content = base64.b64decode(source.partition("base64,")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def test_views_are_clean_degraded_found_references_and_differences(make):
    run = make([trial(0, 1.0)], pictures())
    (picture,) = pictures_of(run.folder, ["cat"]).shown
    assert picture.name == "cat"
    names = [
        "clean",
        "degraded",
        "found",
        "hand_made",
        "found \u2212 clean",
        "hand_made \u2212 clean",
    ]
    assert [view.name for view in picture.views] == names


def test_small_pictures_keep_every_pixel(make):
    run = make([trial(0, 1.0)], pictures())
    (picture,) = pictures_of(run.folder, ["cat"]).shown
    with Image.open(run.folder / "best" / "cat-restored.png") as file:
        assert np.array_equal(decoded(picture.views[2].source), np.asarray(file))
    assert picture.views[2].exact


def test_a_difference_is_dark_where_there_is_none_and_bright_from_a_quarter_on():
    clean = np.zeros((1, 3, 3), np.uint8)
    found = np.array([[[0, 0, 0], [64, 64, 64], [255, 255, 255]]], np.uint8)
    made = differences({"clean": clean, "degraded": clean, "found": found})
    assert list(made) == ["found \u2212 clean"]
    dark, quarter, most = made["found \u2212 clean"][0]
    assert tuple(dark) == (0, 0, 4)
    assert tuple(quarter) == tuple(most) == (252, 255, 164)


def test_without_a_clean_picture_the_difference_is_from_the_degraded_one():
    one = np.zeros((2, 2, 3), np.uint8)
    assert list(differences({"degraded": one, "found": one})) == ["found \u2212 degraded"]
    assert differences({"found": one}) == {}


def test_there_is_no_difference_between_pictures_of_different_sizes():
    small, large = np.zeros((2, 2, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)
    assert differences({"degraded": small, "found": large}) == {}


def test_large_pictures_are_compressed_into_the_budget(make, monkeypatch):
    monkeypatch.setattr(module, "BUDGET", 60_000)
    run = make([trial(0, 1.0)], pictures(side=200))
    (picture,) = pictures_of(run.folder, ["cat"]).shown
    weight = sum(len(base64.b64decode(v.source.partition(",")[2])) for v in picture.views)
    assert weight <= 60_000
    assert not any(view.exact for view in picture.views)
    assert {(view.width, view.height) for view in picture.views} == {(200, 200)}


def test_many_pictures_are_counted_and_some_shown(make):
    restored = {k: v for n in range(12) for k, v in pictures(f"p{n:02}", 16).items()}
    found = pictures_of(make([trial(0, 1.0)], restored).folder, list(restored))
    assert (len(found.shown), found.number) == (8, 12)


def test_an_unreadable_picture_is_reported(make):
    run = make([trial(0, 1.0)], pictures())
    (run.folder / "best" / "cat-clean.png").write_bytes(b"\x89PNG and no more")
    found = pictures_of(run.folder, ["cat"])
    assert [Path(name).name for name in found.unreadable] == ["cat-clean.png"]
    assert found.shown[0].views[0].name == "degraded"


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x00" * 100])
def test_a_folder_of_broken_files_has_no_pictures(tmp_path, content):
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "cat-restored.png").write_bytes(content)
    assert not pictures_of(tmp_path, ["cat"]).shown
    assert not pictures_of(tmp_path / "best", ["cat"]).shown
