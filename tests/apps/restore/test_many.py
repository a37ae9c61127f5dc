"""Several pictures into one folder: each is restored whatever becomes of the others."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nasir.apps.restore import many
from nasir.apps.restore.files import DiskFull
from nasir.apps.restore.many import PictureResults, restore_many
from nasir.apps.restore.sources import is_several
from nasir.core.errors import NasirError, PictureError, SettingsError, UnknownNameError

TINY = ("space.depth=2", "space.width=4", "evaluator.iterations=2", "threads=1")


def saved(name: str, size: int = 20) -> str:
    values = np.random.default_rng(len(name)).integers(0, 256, (size, size, 3), np.uint8)
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(values).save(path)
    return name


def names(folder: str = "out") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def states(done: PictureResults) -> dict[str, str]:
    return {one.source: one.state for one in done.results}


def restored(*images: str, **more: Any) -> PictureResults:
    return restore_many(images, *TINY, output="out", **more)


def test_files_folders_and_globs_go_into_one_folder_each_once():
    for name in ("a.png", "b.jpg", "photos/c.png", "photos/d.tif", "raw/e1.png", "raw/f.png"):
        saved(name)
    done = restored("b.jpg", "a.png", "./a.png", "photos/", "raw/e*.png")
    assert list(states(done)) == ["b.jpg", "a.png", "photos/c.png", "photos/d.tif", "raw/e1.png"]
    assert set(states(done).values()) == {"restored"}
    assert names() == ["a.png", "b.png", "c.png", "d.png", "e1.png"]
    with Image.open("out/b.png") as written:
        assert (written.mode, written.size) == ("RGB", (20, 20))


def test_the_same_call_goes_on_where_it_was_left():
    for name in ("a.png", "b.png"):
        saved(name)
    restored("a.png")
    before = Path("out/a.png").stat().st_mtime_ns
    assert states(restored("a.png", "b.png")) == {"a.png": "skipped", "b.png": "restored"}
    assert Path("out/a.png").stat().st_mtime_ns == before
    assert states(restored("a.png", force=True)) == {"a.png": "restored"}
    assert Path("out/a.png").stat().st_mtime_ns > before


def test_interrupted_it_goes_on_with_the_next_picture(monkeypatch):
    for name in ("a.png", "b.png"):
        saved(name)

    def interrupt(hook: str, **arguments: Any) -> None:
        if hook == "tile_started" and Path("out/a.png").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restored("a.png", "b.png", notify=interrupt)
    assert names() == ["a.png"]
    assert states(restored("a.png", "b.png")) == {"a.png": "skipped", "b.png": "restored"}


def test_one_that_fails_costs_the_others_nothing():
    saved("a.png"), saved("c.png"), saved("tiny.png", 3)
    Path("b.png").write_text("no picture")
    done = restored("a.png", "b.png", "missing.png", "none*.jpg", "tiny.png", "c.png")
    assert list(states(done).values()) == ["restored", *4 * ["failed"], "restored"]
    errors = [one.error for one in done.of("failed")]
    assert "b.png is no picture" in errors[0]
    assert "no picture or folder 'missing.png'" in errors[1]
    assert "no picture matches none*.jpg" in errors[2]
    assert "16 x 16" in errors[3]
    assert not any("\n" in error for error in errors)
    assert names() == ["a.png", "c.png"]


def test_a_defect_costs_the_others_nothing(monkeypatch):
    saved("a.png"), saved("b.png")
    restore = many.restore

    def broken(source: Path, *words: Any, **more: Any) -> Any:
        if source.name == "a.png":
            raise ZeroDivisionError("division by zero")
        return restore(source, *words, **more)

    monkeypatch.setattr(many, "restore", broken)
    done = restored("a.png", "b.png")
    assert done.results[0].error == "ZeroDivisionError: division by zero"
    assert states(done) == {"a.png": "failed", "b.png": "restored"}


def test_names_that_collide_are_refused_and_the_rest_is_delivered():
    saved("a.png"), saved("a.jpg"), saved("b.png")
    done = restored("a.png", "b.png", "a.jpg")
    assert states(done) == {"a.png": "failed", "b.png": "restored", "a.jpg": "failed"}
    for one in done.of("failed"):
        assert one.error.startswith("a.png and a.jpg would all become out/a.png: rename them")
    assert names() == ["b.png"]


def test_colliding_names_are_refused_before_any_work():
    saved("a.png"), saved("a.jpg")
    hooks = []
    with pytest.raises(PictureError, match="would all become"):
        restored("a.png", "a.jpg", notify=lambda hook, **given: hooks.append(hook))
    assert hooks == []
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("images", "output", "words", "kind", "message"),
    [
        (["a.png", "b.png"], "a.png", (), PictureError, "a.png is a file"),
        (["a.png", "b.png"], "a.png/out", (), PictureError, "cannot make the folder a.png/out"),
        (["missing.png"], "out", (), PictureError, "no picture or folder 'missing.png'"),
        (["a.png", "photos"], "photos/", (), PictureError, "cannot be restored into itself"),
        ([], "out", (), SettingsError, "name a picture"),
        (["a.png"], "out", ("tile=63",), SettingsError, "'tile' must be 0 or >= 64"),
        (["a.png"], "out", ("tle=64",), UnknownNameError, "did you mean 'tile'"),
    ],
)
def test_what_cannot_start_is_refused_in_one_line(images, output, words, kind, message):
    saved("a.png"), saved("b.png"), saved("photos/c.png")
    before = set(Path().rglob("*"))
    with pytest.raises(kind) as caught:
        restore_many(images, *TINY, *words, output=output)
    assert message in str(caught.value)
    assert isinstance(caught.value, NasirError)
    assert "\n" not in str(caught.value)
    assert set(Path().rglob("*")) == before


def test_a_picture_is_never_overwritten_by_its_own_result():
    saved("a.png")
    done = restore_many(["a.png"], *TINY, output=".", force=True)
    assert "a.png is the picture itself" in done.results[0].error


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may have more than 3,000 bytes, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_does_not_fit_on_the_disk_fails_and_the_rest_is_whole(request):
    for name, size in (("a.png", 20), ("large.png", 60), ("z.png", 20)):
        saved(name, size)
    request.getfixturevalue("small_files")
    done = restored("a.png", "large.png", "z.png")
    assert states(done) == {"a.png": "restored", "large.png": "failed", "z.png": "restored"}
    assert done.results[1].error == "cannot write out/large.png: File too large"
    assert names() == ["a.png", "z.png"]


def test_a_picture_that_needs_nothing_is_no_failure():
    saved("a.png")
    smooth = np.tile(np.linspace(0, 255, 256).astype(np.uint8)[:, None, None], (1, 256, 3))
    Image.fromarray(smooth).save("smooth.png")
    done = restore_many(["smooth.png"], output="out")
    assert states(done) == {"smooth.png": "fine"}
    assert "smooth.png needs nothing" in done.results[0].error
    assert not Path("out").exists()


def test_the_results_are_json_values():
    saved("a.png")
    done = restored("a.png", "b.png").mapping
    assert done["folder"] == "out"
    first, second = done["pictures"]
    assert (first["source"], first["state"], first["output"]) == ("a.png", "restored", "out/a.png")
    assert first["restoration"]["strip"] is None
    assert second == {
        "source": "b.png",
        "state": "failed",
        "output": None,
        "error": "there is no picture or folder 'b.png'",
    }


@pytest.mark.parametrize(
    ("images", "output", "several"),
    [
        (["a.png"], None, False),
        (["a.png"], "b.png", False),
        (["a.png"], "new/", True),
        (["a.png"], "photos", True),
        (["photos"], None, True),
        (["*.png"], None, True),
        (["[a].png"], None, False),
        (["a.png", "b.png"], None, True),
    ],
)
def test_one_file_is_one_picture_unless_it_goes_into_a_folder(images, output, several):
    saved("photos/c.png"), saved("[a].png")
    assert is_several(images, output) is several


def test_after_a_full_disk_nothing_more_is_computed(monkeypatch):
    begun = []

    def full(source: Path, *_: str, **__: Any) -> None:
        begun.append(source.name)
        raise DiskFull("cannot write out/a.png: No space left on device")

    monkeypatch.setattr(many, "restore", full)
    done = restored(saved("a.png"), saved("b.png"), saved("c.png"))
    assert begun == ["a.png"]
    assert set(states(done).values()) == {"failed"}
    assert {one.error for one in done.results} == {
        "cannot write out/a.png: No space left on device: free some of it, and give the same "
        "command again"
    }
