"""What the tasks on pictures share: which pictures are searched on, tested on, and how."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from made_tasks import denoise
from PIL import Image

from nasir.core.errors import PictureError, SettingsError
from nasir.core.search_space import Signature
from nasir.settings import building
from nasir.tasks.denoise import Denoise
from nasir.tasks.inpaint import Inpaint
from nasir.tasks.picture_task import PictureTask
from nasir.tasks.pictures import reading
from nasir.tasks.pictures.photographs import PHOTOGRAPHS
from nasir.tasks.super_resolution import SuperResolution

TASKS = [Denoise, Inpaint, SuperResolution]

Names = tuple[list[str], list[str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with colour pictures a, b, c, a grey one and a mask for all."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Path("colour").mkdir()
    for name in "abc":
        values = rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(values).save(f"colour/{name}.png")
    Image.fromarray(rng.integers(0, 256, (20, 24), dtype=np.uint8)).save("grey.png")
    Image.fromarray(rng.integers(0, 2, (20, 24), dtype=np.uint8) * 255).save("mask.png")
    return tmp_path


def make(task: type[PictureTask], **settings: object) -> PictureTask:
    known = {"mask": "mask.png"} if task is Inpaint and settings.get("degraded") else {}
    return building.structure(task, {"images": "colour", **known, **settings}, "task")


def names(task: PictureTask) -> Names:
    return [s.name for s in task.samples("search")], [s.name for s in task.samples("test")]


def refusal(task: PictureTask) -> str:
    with pytest.raises((PictureError, SettingsError)) as refused:
        task.samples("test")
    message = str(refused.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("index", "name"), list(enumerate("abc")))
def test_one_picture_alone_is_searched_and_tested_on(
    task: type[PictureTask], index: int, name: str
):
    assert names(make(task, picture=index)) == ([name], [name])


def test_one_picture_is_degraded_as_it_is_among_the_others():
    every = {s.name: s for s in make(Denoise, search=0).samples("test")}
    for index, name in enumerate("abc"):
        (sample,) = make(Denoise, picture=index).samples("test")
        assert torch.equal(sample.degraded, every[name].degraded)


def test_test_pictures_stand_beside_the_one_that_is_taken():
    task = make(Denoise, picture=1, test_images="grey.png")
    assert names(task) == (["b"], ["grey"])


@pytest.mark.parametrize("index", [3, 100])
def test_a_picture_that_is_not_there_is_refused_with_the_number_of_pictures(index: int):
    message = refusal(make(Denoise, picture=index))
    assert f"task.picture={index}: there are 3 pictures, count from 0" in message


def test_a_negative_picture_is_refused():
    with pytest.raises(SettingsError, match=">= 0"):
        building.structure(Denoise, {"picture": -1}, "task")


@pytest.mark.parametrize("task", TASKS)
def test_searching_on_none_searches_on_all_that_are_tested(task: type[PictureTask]):
    made = make(task, search=0)
    assert names(made) == (["a", "b", "c"], ["a", "b", "c"])
    for searched, tested in zip(made.samples("search"), made.samples("test"), strict=True):
        assert torch.equal(searched.degraded, tested.degraded)
        assert torch.equal(searched.clean, tested.clean)


def test_searching_on_none_takes_the_test_pictures_where_there_are_any():
    assert names(make(Denoise, search=0, test_images="grey.png")) == (["grey"], ["grey"])


def test_searching_on_none_without_pictures_takes_all_photographs():
    assert names(denoise(search=0)) == (list(PHOTOGRAPHS), list(PHOTOGRAPHS))


@pytest.mark.parametrize("task", TASKS)
def test_pictures_given_degraded_are_tested_on_and_photographs_searched_on(
    task: type[PictureTask],
):
    made = make(task, degraded=True)
    assert names(made) == (["astronaut", "coffee"], ["a", "b", "c"])
    assert all(s.clean is None for s in made.samples("test"))
    assert all(s.clean is not None for s in made.samples("search"))


@pytest.mark.parametrize("task", TASKS)
def test_pictures_given_degraded_are_searched_on_where_nothing_else_is(task: type[PictureTask]):
    made = make(task, degraded=True, search=0)
    assert names(made) == (["a", "b", "c"], ["a", "b", "c"])
    for split in ("search", "test"):
        for sample in made.samples(split):
            assert sample.clean is None
            assert made.metrics(made.unrestored(sample), sample) == {}
            assert made.loss(made.unrestored(sample), sample).isfinite()


@pytest.mark.parametrize("task", [Denoise, SuperResolution])
def test_a_picture_given_degraded_is_not_degraded_again(task: type[PictureTask]):
    (sample,) = make(task, degraded=True, search=0, picture=1).samples("test")
    values = np.asarray(Image.open("colour/b.png"), np.float32) / np.float32(255)
    assert torch.equal(sample.degraded, torch.from_numpy(values).permute(2, 0, 1)[None])


@pytest.mark.parametrize(("given", "channels"), [("grey.png", 1), ("colour", 3)])
def test_what_is_searched_on_has_the_channels_of_what_is_given(given: str, channels: int):
    task = make(SuperResolution, images=given, degraded=True)
    assert task.signature == Signature(channels, channels, scale=4)
    assert all(s.clean.shape[1] == channels for s in task.samples("search"))


def test_colour_and_grey_together_have_three_channels_in_every_task():
    for task in TASKS:
        made = make(task, test_images="grey.png", search=0)
        assert made.signature.in_channels == 3
        assert all(s.degraded.shape[1] == 3 for s in made.samples("test"))


def test_white_stays_white_when_colour_becomes_grey():
    Image.new("RGB", (20, 20), "white").save("white.png")
    (sample,) = denoise(images="white.png", color="grey").samples("test")
    assert sample.clean.max() <= 1
    assert sample.clean.min() > 1 - 1e-6


@pytest.mark.parametrize("task", TASKS)
def test_degraded_without_pictures_is_refused(task: type[PictureTask]):
    assert "task.images=FILE" in refusal(make(task, images=(), degraded=True))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("degraded", [False, True])
def test_a_picture_too_small_is_refused(task: type[PictureTask], degraded: bool):
    Image.new("L", (24, 15)).save("tiny.png")
    message = refusal(make(task, images="tiny.png", degraded=degraded))
    assert message == "tiny has 15 x 24 pixels: pictures need 16 x 16"


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1, 1.5])
def test_a_float_picture_with_nan_or_out_of_range_is_refused(task: type[PictureTask], wrong: float):
    values = np.full((20, 24), 0.5, np.float32)
    values[3, 4] = wrong
    Image.fromarray(values).save("float.tif")
    assert "float.tif has values outside [0, 1]" in refusal(make(task, images="float.tif"))


def test_a_float_picture_in_range_is_taken():
    values = np.linspace(0, 1, 480, dtype=np.float32).reshape(20, 24)
    Image.fromarray(values).save("float.tif")
    (sample,) = denoise(images="float.tif").samples("test")
    assert torch.equal(sample.clean[0, 0], torch.from_numpy(values))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_pickled_without_its_pictures(task: type[PictureTask]):
    made = make(task, picture=2, search=0)
    made.samples("test")
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    assert len(pickle.dumps(made)) < 2000
    assert names(again) == (["c"], ["c"])


def test_settings_of_metrics_do_not_change_the_samples():
    plain = make(Denoise)
    measured = make(Denoise, channel="y", border=2, quantise=True)
    for one, other in zip(plain.samples("test"), measured.samples("test"), strict=True):
        assert torch.equal(one.degraded, other.degraded)
        assert plain.metrics(one.degraded, one) != measured.metrics(one.degraded, one)


def test_metrics_of_a_perfect_picture_are_infinite_and_one():
    task = make(Denoise)
    sample = task.samples("test")[0]
    figures = task.metrics(sample.clean, sample)
    assert figures == {"psnr": float("inf"), "ssim": pytest.approx(1)}


@pytest.mark.parametrize("task", TASKS)
def test_the_signature_is_known_before_a_picture_is_decoded(
    task: type[PictureTask], monkeypatch: pytest.MonkeyPatch
):
    def refuse(path: Path) -> None:
        raise AssertionError(f"{path} was decoded")

    monkeypatch.setattr(reading, "read_picture", refuse)
    assert make(task).signature.in_channels == 3
    assert make(task, images="grey.png").signature.in_channels == 1
    assert make(task, images=()).signature.in_channels == 3
