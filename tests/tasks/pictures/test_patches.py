"""Where patches come from, how they are turned, and what is held in memory."""

from __future__ import annotations

import math
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from data_sets import bsds, picture, save
from made_tasks import denoise, derain, inpaint, real_denoise, super_resolution

from nasir.core.errors import PictureError, SettingsError
from nasir.tasks.denoise import Denoise
from nasir.tasks.derain import Derain
from nasir.tasks.inpaint import Inpaint
from nasir.tasks.physics.resampling import Downsampling
from nasir.tasks.pictures import reading as pictures
from nasir.tasks.pictures.photographs import MORE, PHOTOGRAPHS
from nasir.tasks.real_denoise import RealDenoise
from nasir.tasks.super_resolution import SuperResolution

PAIRED = [Denoise, SuperResolution, Inpaint, Derain, RealDenoise]


def places(height: int, width: int) -> np.ndarray:
    """A colour picture in which each pixel encodes its row (red) and column (green)."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, 0 * rows], -1).astype(np.uint8)


@pytest.fixture
def known(tmp_path: Path) -> str:
    """A folder with such a picture of 18 x 22 to train on, and another to test on."""
    save(tmp_path / "known" / "train" / "a.png", places(18, 22))
    save(tmp_path / "known" / "test" / "b.png", picture(0))
    return str(tmp_path / "known")


def corners(clean: torch.Tensor) -> list[tuple[tuple[int, int], ...]]:
    """Row and column of the four corners of each patch, clockwise from the upper left one."""
    ends = clean[:, :2, [0, 0, -1, -1], [0, -1, -1, 0]]
    return [tuple(zip(*p, strict=True)) for p in (ends * 255).round().int().tolist()]


def square(top: int, left: int, reach: int) -> list[tuple[int, int]]:
    below, right = top + reach, left + reach
    return [(top, left), (top, right), (below, right), (below, left)]


@pytest.mark.parametrize(("augment", "count"), [("all", 8), ("mirror", 2), ("none", 1)])
def test_each_place_and_each_turn_comes_equally_often(known: str, augment: str, count: int):
    patches = denoise(images=known, augment=augment).patches()
    seen = Counter(corners(patches.batch(0, 3000, 16)[1]))
    expected = set()
    for top in range(3):
        for left in range(7):
            ends = square(top, left, 15)
            mirrored = [ends[i] for i in (1, 0, 3, 2)]
            quarters = range(4) if augment == "all" else range(1)
            for way in (ends, mirrored) if augment != "none" else (ends,):
                expected |= {tuple(way[(i + q) % 4] for i in range(4)) for q in quarters}
    assert set(seen) == expected
    assert len(expected) == 21 * count
    mean = 3000 / len(expected)
    assert all(abs(times - mean) < 6 * math.sqrt(mean) for times in seen.values())


def test_a_patch_is_a_part_of_the_picture_pixel_by_pixel(known: str):
    (clean,) = denoise(images=known, augment="none").patches().batch(0, 1, 5)[1]
    top, left = (int(v) for v in (clean[:2, 0, 0] * 255).round())
    part = places(18, 22)[top : top + 5, left : left + 5]
    expected = torch.from_numpy(part).permute(2, 0, 1).float() / 255
    assert torch.equal(clean, expected)


def test_given_pairs_are_cut_and_turned_alike(tmp_path: Path):
    for part in ("train", "test"):
        save(tmp_path / "pairs" / part / "clean" / f"{part}.png", places(20, 24))
        save(tmp_path / "pairs" / part / "noisy" / f"{part}.png", 255 - places(20, 24))
    task = real_denoise(images=str(tmp_path / "pairs"), pairs="folders")
    degraded, clean = task.patches().batch(0, 64, 8)
    torch.testing.assert_close(degraded, 1 - clean, rtol=0, atol=1e-6)
    assert len(set(corners(clean))) > 40


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_small_patches_are_parts_of_the_whole_small_picture(tmp_path: Path, scale: int):
    save(tmp_path / "train" / "a.png", picture(0, 35, 39))
    save(tmp_path / "test" / "b.png", picture(1))
    task = super_resolution(images=str(tmp_path), scale=scale, size=0)
    whole = task.patches().sample("a")
    assert torch.equal(whole.degraded, Downsampling(scale, "bicubic")(whole.clean))
    small, large = task.patches().batch(0, 12, 5)
    turns = 0
    for low, high in zip(small, large, strict=True):
        places = [
            (top, left, quarter, mirrored)
            for top in range(whole.degraded.shape[-2] - 4)
            for left in range(whole.degraded.shape[-1] - 4)
            for quarter in range(4)
            for mirrored in (False, True)
            if torch.allclose(
                turned(whole.degraded, top, left, 5, quarter, mirrored), low, rtol=0, atol=2e-6
            )
        ]
        ((top, left, quarter, mirrored),) = places
        found = turned(whole.clean, scale * top, scale * left, scale * 5, quarter, mirrored)
        assert torch.equal(found, high)
        turns += quarter != 0
    assert turns > 3


def turned(x: torch.Tensor, top: int, left: int, side: int, quarter: int, mirrored: bool):
    part = x[0, :, top : top + side, left : left + side].rot90(quarter, (1, 2))
    return part.flip(-1) if mirrored else part


def test_noise_has_the_level_that_is_asked_for_and_is_not_clipped(tmp_path: Path):
    degraded, clean = denoise(images=str(bsds(tmp_path)), sigma=40).patches().batch(0, 40, 16)
    noise = (degraded - clean) * 255
    count = noise.numel()
    assert noise.std().item() == pytest.approx(40, rel=5 / math.sqrt(2 * count))
    assert abs(noise.mean()) < 5 * 40 / math.sqrt(count)
    assert degraded.min() < 0
    assert degraded.max() > 1


def test_each_patch_has_one_of_the_mixed_noise_levels(tmp_path: Path):
    sigmas = (10.0, 30.0, 70.0)
    task = denoise(images=str(bsds(tmp_path)), sigmas=sigmas, sigma=5)
    degraded, clean = task.patches().batch(0, 300, 16)
    levels = ((degraded - clean) * 255).flatten(1).std(1)
    nearest = [min(sigmas, key=lambda sigma: abs(sigma - level)) for level in levels.tolist()]
    spread = 6 / math.sqrt(2 * degraded[0].numel())
    assert all(abs(a / b - 1) < spread for a, b in zip(levels.tolist(), nearest, strict=True))
    assert all(abs(nearest.count(sigma) - 100) < 6 * math.sqrt(67) for sigma in sigmas)


def test_pictures_to_validate_on_have_mixed_levels_and_pictures_to_test_on_sigma(tmp_path: Path):
    for number in range(12):
        save(tmp_path / "train" / f"{number}.png", picture(number))
    save(tmp_path / "test" / "t.png", picture(99))
    task = denoise(images=str(tmp_path), sigmas=(10, 70), sigma=30)
    patches = task.patches()
    samples = [*map(patches.sample, patches.names), *task.samples("test")]
    levels = [((s.degraded - s.clean) * 255).std().item() for s in samples]
    assert {min((10, 70), key=lambda sigma: abs(sigma - level)) for level in levels[:-1]} == {
        10,
        70,
    }
    assert all(min(abs(level / 10 - 1), abs(level / 70 - 1)) < 0.1 for level in levels[:-1])
    assert levels[-1] == pytest.approx(30, rel=0.1)


def test_a_whole_picture_has_the_noise_that_its_name_has_in_a_search(tmp_path: Path):
    task = denoise(images=str(bsds(tmp_path)), size=0)
    for sample in task.samples("search"):
        assert torch.equal(task.patches().sample(sample.name).degraded, sample.degraded)


def test_only_as_many_pictures_are_trained_on_as_are_asked_for(tmp_path: Path):
    assert list(denoise(images=str(bsds(tmp_path)), train=2).patches().names) == ["0", "1"]


def test_whole_pictures_are_trained_on_whatever_size_is_tested(tmp_path: Path):
    task = denoise(images=str(bsds(tmp_path)), size=16)
    assert task.samples("test")[0].clean.shape[-2:] == (16, 16)
    assert task.patches().largest_side == 24
    assert task.patches().sample("0").clean.shape[-2:] == (36, 24)


@pytest.mark.parametrize("task", PAIRED)
def test_pictures_alone_are_trained_on_where_they_are_not_tested_on(
    tmp_path: Path, task: type[Denoise]
):
    for number in range(5):
        save(tmp_path / f"{number}.png", picture(number))
    made = task(images=str(tmp_path), search=3)
    assert list(made.patches().names) == ["0", "1", "2"]
    assert [s.name for s in made.samples("test")] == ["3", "4"]


@pytest.mark.parametrize("task", PAIRED)
def test_carried_photographs_are_trained_on_where_none_are_given(
    tmp_path: Path, task: type[Denoise]
):
    assert list(task().patches().names) == [*PHOTOGRAPHS[:2], *MORE]
    given = task(test_images=str(save(tmp_path / "a.png", picture(0))))
    assert list(given.patches().names) == [*PHOTOGRAPHS, *MORE]
    degraded, clean = task().patches().batch(0, 20, 16)
    assert degraded.shape[:2] == clean.shape[:2] == (20, 3), "grey ones are in three channels"


def test_degraded_pictures_are_restored_by_what_carried_photographs_teach(tmp_path: Path):
    task = denoise(images=str(save(tmp_path / "a.png", picture(0))), degraded=True)
    assert list(task.patches().names) == [*PHOTOGRAPHS, *MORE]


@pytest.mark.parametrize("settings", [{"search": 0}, {"picture": 0}])
def test_pictures_that_are_all_tested_on_cannot_be_trained_on(
    tmp_path: Path, settings: dict[str, int]
):
    for number in range(3):
        save(tmp_path / f"{number}.png", picture(number))
    with pytest.raises(SettingsError, match=r"all are tested on: .*task\.test_images") as refused:
        denoise(images=str(tmp_path), **settings).patches()
    assert "\n" not in str(refused.value)


def test_a_picture_to_train_and_to_test_on_is_refused(tmp_path: Path):
    folder = bsds(tmp_path)
    task = denoise(images=str(folder / "train"), test_images=str(folder / "train" / "1.png"))
    with pytest.raises(PictureError, match=r"1\.png is in task\.images and in task\.test_images"):
        task.patches()


@pytest.mark.parametrize(("side", "largest"), [(25, 24), (65, 24), (0, 24)])
def test_patches_larger_than_a_picture_are_refused_with_the_largest(
    tmp_path: Path, side: int, largest: int
):
    patches = denoise(images=str(bsds(tmp_path))).patches()
    with pytest.raises(SettingsError, match=rf"of {side} pixels .* 1 to {largest} pixels"):
        patches.batch(0, 1, side)


def test_the_smallest_picture_decides_and_is_named(tmp_path: Path):
    save(tmp_path / "train" / "large.png", picture(0, 90, 90))
    save(tmp_path / "train" / "small.png", picture(1, 90, 29))
    save(tmp_path / "test" / "t.png", picture(2))
    patches = super_resolution(images=str(tmp_path), scale=2).patches()
    assert patches.largest_side == 14
    with pytest.raises(SettingsError, match=r"the smallest picture, small, .* 14 pixels"):
        patches.batch(0, 1, 32)
    assert patches.only(["large"]).batch(0, 1, 32)[1].shape[-1] == 64


def test_masks_of_a_file_are_not_trained_with(tmp_path: Path):
    mask = save(tmp_path / "mask.png", picture(9, channels=1))
    task = inpaint(images=str(bsds(tmp_path / "b")), mask=str(mask))
    with pytest.raises(SettingsError, match=r"leave task\.mask out"):
        task.patches()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read, in order."""
    names: list[str] = []
    read = pictures.read_picture

    def counted(path: Path) -> np.ndarray:
        names.append(path.name)
        return read(path)

    monkeypatch.setattr(pictures, "read_picture", counted)
    return names


def test_pictures_to_train_on_are_read_when_they_are_drawn_and_once(
    tmp_path: Path, reads: list[str]
):
    patches = denoise(images=str(bsds(tmp_path)), search=0).patches()
    assert not reads
    patches.batch(0, 50, 8)
    patches.only(["0", "1"]).batch(1, 50, 8)
    assert sorted(reads) == ["0.png", "1.png", "2.png"]


def test_pictures_beyond_the_memory_are_read_again(tmp_path: Path, reads: list[str]):
    one_picture = 24 * 36 * 3 / 2**30
    patches = denoise(images=str(bsds(tmp_path)), memory=1.5 * one_picture).patches()
    reads.clear()
    patches.batch(0, 60, 8)
    times = Counter(reads)
    assert sorted(times)[:3] == ["0.png", "1.png", "2.png"]
    assert sorted(times.values())[0] == 1
    assert sum(times.values()) > 30


def test_patches_are_the_same_with_and_without_memory(tmp_path: Path):
    folder = str(bsds(tmp_path))
    for task in PAIRED:
        held, read = (task(images=folder, memory=gib).patches() for gib in (1, 0))
        for one, other in zip(held.batch(5, 6, 6), read.batch(5, 6, 6), strict=True):
            assert torch.equal(one, other)


def test_memory_holds_pictures_with_a_byte_a_value(tmp_path: Path):
    task = denoise(images=str(bsds(tmp_path)))
    (training, *_) = task.training()
    clean, degraded = task.planes(training, 3)
    assert clean.dtype == np.uint8
    assert clean.nbytes == 3 * 24 * 36
    assert degraded is None


def test_a_picture_that_is_damaged_is_named_when_it_is_drawn(tmp_path: Path):
    folder = bsds(tmp_path)
    whole = (folder / "train" / "1.png").read_bytes()
    (folder / "train" / "1.png").write_bytes(whole[: len(whole) // 2])
    patches = denoise(images=str(folder), search=0).patches()
    with pytest.raises(PictureError, match=r"1\.png"):
        patches.batch(0, 50, 8)


def test_tasks_are_pickled_without_their_patches(tmp_path: Path):
    task = derain(images=str(bsds(tmp_path)))
    before = pickle.dumps(task)
    task.patches().batch(0, 2, 8)
    assert pickle.dumps(task) == before
    assert task.patches() is task.patches()
