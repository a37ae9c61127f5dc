"""Fits that end before they are finished: limits, Ctrl-C, and going on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from nasir.apps.restore.restoration import Restoration
from nasir.apps.restore.restore import restore
from nasir.cli.main import main
from nasir.core.errors import NasirError, SettingsError
from nasir.core.task import Sample
from nasir.tasks.denoise import Denoise

TINY = ("space.depth=2", "space.width=4", "threads=1", "seed=3")
WMV = (*TINY, "evaluator.window=3", "evaluator.patience=50")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A noisy picture of 24 x 20."""
    values = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)
    Image.fromarray(values).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


def restored(*words: str, **more: Any) -> Restoration:
    return restore("cat.png", *words, force=True, **more)


def after(steps: int, what: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something in the middle of a step."""
    whole, seen = Denoise.loss, []

    def loss(self: Denoise, output: torch.Tensor, sample: Sample) -> torch.Tensor:
        seen.append(0)
        if len(seen) == steps:
            what()
        return whole(self, output, sample)

    monkeypatch.setattr(Denoise, "loss", loss)


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_delivers_the_best_so_far(picture: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    after(4, ctrl_c, monkeypatch)
    assert main(["restore", "cat.png", "evaluator.iterations=9", *WMV]) == 130
    assert "cut short by Ctrl-C" in " ".join(capsys.readouterr().out.split())
    with Image.open("cat-restored.png") as file:
        assert file.size == (20, 24)
    assert Path("cat-restored-strip.png").is_file()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_ends_at_once(picture: Path, monkeypatch: pytest.MonkeyPatch):
    def twice() -> None:
        ctrl_c()
        ctrl_c()

    after(4, twice, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        restored("evaluator.iterations=9", *WMV)
    assert not Path("cat-restored.png").exists()


@pytest.mark.parametrize("words", [WMV, (*TINY, "evaluator.stop=fixed")])
def test_an_interrupted_fit_goes_on_with_the_same_bits(
    picture: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
):
    words = ("evaluator.iterations=9", *words)
    whole = restored(*words)
    assert whole.stops[0].iterations == 9
    with monkeypatch.context() as patch:
        after(4, ctrl_c, patch)
        cut = restored(*words)
    assert cut.interrupted
    assert cut.stops[0].iterations == 4
    assert not np.array_equal(cut.picture, whole.picture)
    continued = restored(*words, resume=True)
    assert np.array_equal(continued.picture, whole.picture)
    assert continued.stops == whole.stops


def test_tiles_go_on_with_the_same_bits(picture: Path, monkeypatch: pytest.MonkeyPatch):
    """After Ctrl-C, and after an end at which nothing can be written."""

    def at_once() -> None:
        ctrl_c()
        ctrl_c()

    Image.open(picture).resize((100, 40)).save("cat.png")
    words = ("evaluator.iterations=5", "tile=64", *WMV)
    whole = restored(*words)
    assert len(whole.stops) == 2
    with monkeypatch.context() as patch:
        after(8, ctrl_c, patch)
        cut = restored(*words)
    assert [stop.iterations for stop in cut.stops] == [5, 3]
    assert np.array_equal(restored(*words, resume=True).picture, whole.picture)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        after(8, at_once, patch)
        restored(*words)
    continued = restored(*words, resume=True)
    assert continued.stops == whole.stops
    assert np.array_equal(continued.picture, whole.picture)


def test_a_fit_at_its_limit_says_so_and_goes_on_beyond_it(picture: Path, capsys):
    words = ["evaluator.stop=plateau", "evaluator.patience=50", *TINY]
    assert main(["restore", "cat.png", "evaluator.iterations=4", *words]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "fit 4 steps, all that it may take" in said
    assert "the same command with --continue" in said
    assert main(["restore", "cat.png", "evaluator.iterations=4", *words, "--continue"]) == 0
    assert "fit 8 steps" in " ".join(capsys.readouterr().out.split())
    longer = np.asarray(Image.open("cat-restored.png"))
    restored("evaluator.iterations=8", *words)
    np.testing.assert_array_equal(longer, np.asarray(Image.open("cat-restored.png")))


def test_a_finished_fit_leaves_nothing_to_go_on_from(picture: Path):
    words = ("evaluator.stop=plateau", "evaluator.patience=2", "evaluator.rise=60", *TINY)
    done = restored("evaluator.iterations=40", *words)
    assert done.stops[0].end == "rule"
    assert done.stops[0].iterations < 40
    assert not Path("cat-restored-fit").exists()
    with pytest.raises(SettingsError, match=r"no fit to continue in .*cat-restored-fit"):
        restored("evaluator.iterations=40", *words, resume=True)


def test_a_fit_with_other_settings_is_not_continued(picture: Path):
    restored("evaluator.iterations=4", *WMV)
    with pytest.raises(SettingsError, match="no fit with these settings"):
        restored("evaluator.iterations=4", "evaluator.lr=0.5", *WMV, resume=True)


def test_seconds_bound_the_fit(picture: Path):
    began = time.monotonic()
    words = ("evaluator.iterations=1000000", "evaluator.patience=1000000", *TINY)
    done = restored(*words, "seconds=1")
    assert time.monotonic() - began < 20
    assert done.stops[0].end == "time"
    assert 1 <= done.stops[0].iterations < 1000000


def test_a_picture_is_fitted_around_its_holes_alone(tmp_path: Path):
    values = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    Image.fromarray(values).save("wide.png")
    mask = np.full((200, 300), 255, np.uint8)
    mask[10:20, 30:40] = 0
    Image.fromarray(mask).save("mask.png")
    words = ("task=inpaint", "task.mask=mask.png", "evaluator.iterations=2", *TINY)
    done = restore("wide.png", *words, tile=64)
    assert len(done.stops) == 1  # of four tiles of 68 x 88 pixels, one has the hole
    found = np.asarray(Image.open(done.output))
    assert np.array_equal(found[mask > 0], values[mask > 0])
    assert found[mask == 0].mean() > 60


@pytest.fixture
def torn(tmp_path: Path) -> tuple[str, ...]:
    """A picture with a hole in ``torn.png``, and the words that have it filled in."""
    Image.fromarray(data.astronaut()[::4, ::4]).save("torn.png")
    mask = np.full((128, 128), 255, np.uint8)
    mask[30:60, 40:80] = 0
    Image.fromarray(mask).save("hole.png")
    return ("torn.png", "task=inpaint", "task.mask=hole.png")


def test_seconds_bound_the_filling_of_holes(torn: tuple[str, ...]):
    done = restore(*torn, method={"name": "plug_and_play", "steps": 5000}, seconds=1)
    assert (done.end, done.by) == ("time", "method plug_and_play")
    assert done.seconds < 20
    kept = np.asarray(Image.open("hole.png")) == 255
    after, before = (np.asarray(Image.open(name)) for name in (done.output, "torn.png"))
    np.testing.assert_array_equal(after[kept], before[kept])


def test_ctrl_c_gives_the_holes_as_far_as_they_are_filled(torn: tuple[str, ...]):
    def interrupt(hook: str, **arguments: object) -> None:
        if hook == "tile_started":
            signal.raise_signal(signal.SIGINT)

    done = restore(*torn, "method=plug_and_play", notify=interrupt)
    assert (done.end, done.interrupted) == ("interruption", True)
    assert done.output.exists()


def test_what_goes_part_by_part_and_would_take_too_long_is_refused(torn: tuple[str, ...]):
    with pytest.raises(NasirError, match=r"would take \d+ s, more than 0 s: seconds= gives more"):
        restore("torn.png", "network=denoise", tile=64, seconds=0)
    assert not Path("torn-restored.png").exists()
