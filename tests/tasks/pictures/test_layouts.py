"""Folders as data sets are published: what is trained on, and what is tested on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from data_sets import bsds, div2k, picture, save
from made_tasks import denoise, super_resolution

from nasir.core.errors import PictureError
from nasir.tasks.denoise import Denoise
from nasir.tasks.super_resolution import SuperResolution


def parts(task: Denoise | SuperResolution) -> tuple[list[str], list[str]]:
    return list(task.patches().names), [sample.name for sample in task.samples("test")]


def test_bsds500_is_trained_on_in_train_and_val_and_tested_on_in_test(tmp_path: Path):
    assert parts(denoise(images=str(bsds(tmp_path)))) == (["0", "1", "2"], ["3", "4"])


@pytest.mark.parametrize("below", ["images", "data/images"])
def test_the_archive_of_bsds500_is_taken_as_it_is(tmp_path: Path, below: str):
    bsds(tmp_path / below)
    assert parts(denoise(images=str(tmp_path))) == (["0", "1", "2"], ["3", "4"])


def test_a_set_without_val_is_trained_on_in_train(tmp_path: Path):
    save(tmp_path / "train" / "a.png", picture(0))
    save(tmp_path / "test" / "b.png", picture(1))
    assert parts(denoise(images=str(tmp_path))) == (["a"], ["b"])


def test_large_pictures_of_div2k_are_trained_and_validated_on(tmp_path: Path):
    task = super_resolution(images=str(div2k(tmp_path)), scale=2)
    assert parts(task) == (["0001", "0002", "0003"], ["0801", "0802"])


def test_test_pictures_that_are_given_take_the_place_of_those_of_the_set(tmp_path: Path):
    bsds(tmp_path / "BSDS500")
    save(tmp_path / "mine" / "m.png", picture(9))
    task = denoise(images=str(tmp_path / "BSDS500"), test_images=str(tmp_path / "mine"))
    assert parts(task) == (["0", "1", "2"], ["m"])


def test_a_set_among_the_test_pictures_means_its_test_part(tmp_path: Path):
    save(tmp_path / "mine" / "m.png", picture(9))
    task = denoise(images=str(tmp_path / "mine"), test_images=str(bsds(tmp_path / "BSDS500")))
    assert parts(task) == (["m"], ["3", "4"])


def test_a_folder_with_pictures_of_its_own_means_these(tmp_path: Path):
    bsds(tmp_path)
    for name in "xy":
        save(tmp_path / f"{name}.png", picture(9))
    assert parts(denoise(images=str(tmp_path))) == (["x"], ["y"])


def test_several_sets_are_put_together(tmp_path: Path):
    one, other = bsds(tmp_path / "one"), tmp_path / "other"
    save(other / "train" / "a.png", picture(7))
    save(other / "test" / "b.png", picture(8))
    task = denoise(images=(str(one), str(other)))
    assert parts(task) == (["0", "1", "2", "a"], ["3", "4", "b"])


@pytest.mark.parametrize("empty", ["train", "test"])
def test_an_empty_part_is_refused_with_its_path(tmp_path: Path, empty: str):
    folder = bsds(tmp_path)
    for path in (folder / empty).glob("*.png"):
        path.unlink()
    with pytest.raises(PictureError, match=f"{empty} has no pictures") as refused:
        denoise(images=str(folder)).samples("test")
    assert "\n" not in str(refused.value)


def test_a_folder_with_a_training_part_alone_has_no_pictures(tmp_path: Path):
    save(tmp_path / "train" / "a.png", picture(0))
    with pytest.raises(PictureError, match="has no pictures"):
        denoise(images=str(tmp_path)).samples("test")


def test_grey_and_colour_of_all_parts_decide_the_channels(tmp_path: Path):
    save(tmp_path / "train" / "a.png", picture(0, channels=1))
    save(tmp_path / "test" / "b.png", picture(1, channels=1))
    task = denoise(images=str(tmp_path))
    assert task.signature.in_channels == 1
    assert task.patches().batch(0, 1, 8)[1].shape == (1, 1, 8, 8)
    save(tmp_path / "train" / "c.png", picture(2))
    task = denoise(images=str(tmp_path))
    degraded, clean = task.patches().only(["a"]).batch(0, 1, 8)
    assert degraded.shape == clean.shape == (1, 3, 8, 8)
    assert torch.equal(clean, clean[:, :1].expand(-1, 3, -1, -1))
