"""Given pairs: published layouts, and what is wrong with folders that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from data_sets import div2k, picture, rain800, save, twins
from made_tasks import derain, real_denoise, super_resolution
from PIL import Image

from nasir.core.errors import PictureError, SettingsError
from nasir.core.task import Sample
from nasir.tasks.paired_task import PairedTask


def as_tensor(values: np.ndarray) -> torch.Tensor:
    x = torch.from_numpy(values.astype(np.float32) / np.float32(255))
    return x.permute(2, 0, 1)[None]


def is_pair(sample: Sample, seed: int, clean: np.ndarray | None = None) -> bool:
    """Whether a sample is the pair that `data_sets` makes from a seed."""
    truth = as_tensor(picture(seed) if clean is None else clean)
    same = torch.equal(sample.degraded, as_tensor(picture(100 + seed)))
    return same and torch.equal(sample.clean, truth)


def refusal(task: PairedTask) -> str:
    with pytest.raises((PictureError, SettingsError)) as refused:
        task.samples("test")
    message = str(refused.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("rainy", ["left", "right"])
def test_rain800_has_a_rainy_and_a_clean_half_in_a_file(tmp_path: Path, rainy: str):
    folder = rain800(tmp_path, rainy)
    task = derain(images=str(folder), pairs="rain800", rainy_half=rainy, size=0)
    assert [s.name for s in task.samples("test")] == ["3", "4"]
    assert all(is_pair(sample, int(sample.name)) for sample in task.samples("test"))
    patches = task.patches()
    assert list(patches.names) == ["0", "1", "2"]
    assert all(is_pair(patches.sample(name), int(name)) for name in patches.names)
    assert patches.largest_side == 24


def test_the_rainy_half_of_rain800_is_the_right_one_unless_a_setting_says_otherwise(tmp_path: Path):
    task = derain(images=str(rain800(tmp_path)), pairs="rain800", size=0)
    assert is_pair(task.samples("test")[0], 3)


@pytest.mark.parametrize(("rainy", "clean"), [("rainy", "clean"), ("rain", "norain")])
def test_folders_of_rainy_and_clean_pictures_are_pairs_by_name(
    tmp_path: Path, rainy: str, clean: str
):
    task = derain(images=str(twins(tmp_path, rainy, clean)), pairs="folders", size=0)
    assert all(is_pair(sample, int(sample.name)) for sample in task.samples("test"))
    assert list(task.patches().names) == ["0", "1", "2"]


@pytest.mark.parametrize("clean", ["clean", "gt"])
def test_sim1800_has_noisy_and_clean_pictures_in_train_and_test(tmp_path: Path, clean: str):
    task = real_denoise(images=str(twins(tmp_path, "noisy", clean)), pairs="sim1800", size=0)
    assert [s.name for s in task.samples("test")] == ["3", "4"]
    assert all(is_pair(sample, int(sample.name)) for sample in task.samples("test"))
    assert all(is_pair(task.patches().sample(n), int(n)) for n in task.patches().names)


def test_two_folders_alone_are_searched_and_tested_on_as_pictures_are(tmp_path: Path):
    twins(tmp_path, "noisy")
    train, test = str(tmp_path / "train"), str(tmp_path / "test")
    alone = real_denoise(images=train, pairs="folders")
    assert [s.name for s in alone.samples("test")] == ["2"]
    assert list(alone.patches().names) == ["0", "1"]
    both = real_denoise(images=train, test_images=test, pairs="folders")
    assert [s.name for s in both.samples("test")] == ["3", "4"]
    assert list(both.patches().names) == ["0", "1", "2"]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_div2k_has_small_pictures_with_the_scale_in_their_names(tmp_path: Path, scale: int):
    folder = div2k(tmp_path, scale)
    task = super_resolution(images=str(folder), pairs="div2k", scale=scale, size=0)
    (sample, other) = task.samples("test")
    assert (sample.name, other.name) == ("0801", "0802")
    assert torch.equal(sample.clean, as_tensor(picture(801, 24, 36)))
    assert torch.equal(sample.degraded, as_tensor(picture(901, 24 // scale, 36 // scale)))
    assert sample.forward_operator(sample.clean).shape == sample.degraded.shape
    assert list(task.patches().names) == ["0001", "0002", "0003"]
    assert task.patches().largest_side == 24 // scale
    whole = task.patches().sample("0002")
    assert torch.equal(whole.degraded, as_tensor(picture(102, 24 // scale, 36 // scale)))


def test_other_pictures_are_tested_on_beside_pairs_of_div2k(tmp_path: Path):
    div2k(tmp_path / "DIV2K")
    save(tmp_path / "Set5" / "baby.png", picture(0))
    settings = {"images": str(tmp_path / "DIV2K"), "test_images": str(tmp_path / "Set5")}
    paired = super_resolution(pairs="div2k", scale=2, **settings)
    (sample,) = paired.samples("test")
    (made,) = super_resolution(scale=2, **settings).samples("test")
    assert torch.equal(sample.degraded, made.degraded)
    assert list(paired.patches().names) == ["0001", "0002", "0003"]


@pytest.mark.parametrize("size", [16, 20])
def test_both_sides_of_a_pair_are_cut_to_the_same_middle(tmp_path: Path, size: int):
    rows, columns = np.mgrid[:24, :36]
    ramp = np.stack([rows, columns, rows], -1).astype(np.uint8)
    for part in ("train", "valid"):
        save(tmp_path / f"DIV2K_{part}_HR" / f"{part}.png", ramp)
        low = ramp[::2, ::2]
        save(tmp_path / f"DIV2K_{part}_LR_bicubic" / "X2" / f"{part}x2.png", low)
    task = super_resolution(images=str(tmp_path), pairs="div2k", scale=2, size=size)
    (sample,) = task.samples("test")
    assert sample.clean.shape[-2:] == (size, size)
    assert torch.equal(sample.clean[..., ::2, ::2], sample.degraded)


def test_pairs_of_unequal_size_are_refused_with_both_sizes(tmp_path: Path):
    folder = twins(tmp_path, "noisy")
    save(folder / "train" / "noisy" / "1.png", picture(0, 24, 33))
    task = real_denoise(images=str(folder), pairs="folders")
    message = "pair 1 is of 24 x 33 pixels degraded and 24 x 32 clean: they have to be equally"
    assert message in refusal(task)


def test_a_pair_of_which_one_is_on_its_side_is_refused(tmp_path: Path):
    folder = twins(tmp_path, "noisy")
    exif = Image.Exif()
    exif[0x0112] = 6
    path = folder / "test" / "noisy" / "3.png"
    path.unlink()
    Image.fromarray(picture(0)).save(path.with_suffix(".jpg"), exif=exif)
    task = real_denoise(images=str(folder), pairs="folders")
    assert "pair 3 is of 32 x 24 pixels degraded and 24 x 32 clean" in refusal(task)


def test_a_scale_that_does_not_divide_a_pair_is_refused(tmp_path: Path):
    folder = div2k(tmp_path)
    save(folder / "DIV2K_train_HR" / "0002.png", picture(2, 25, 36))
    task = super_resolution(images=str(folder), pairs="div2k", scale=2)
    assert "0002 is of 12 x 18 pixels degraded and 25 x 36 clean: they have to be 2 times" in (
        refusal(task)
    )


def test_a_file_without_two_equal_halves_is_refused(tmp_path: Path):
    folder = rain800(tmp_path)
    save(folder / "test_syn" / "9.png", picture(0, 24, 33))
    task = derain(images=str(folder), pairs="rain800")
    assert "9.png is 33 pixels wide, so that it has no two equal halves" in refusal(task)


@pytest.mark.parametrize(("missing", "there"), [("noisy", "clean"), ("clean", "noisy")])
def test_a_picture_without_partner_is_named_with_both_counts(
    tmp_path: Path, missing: str, there: str
):
    folder = twins(tmp_path, "noisy")
    (folder / "train" / missing / "1.png").unlink()
    message = refusal(real_denoise(images=str(folder), pairs="folders"))
    assert f"train/{there}/1.png has no partner" in message
    assert f"2 pictures in {missing}" in message or f"2 in {missing}" in message


def test_pairs_whose_names_do_not_match_are_refused(tmp_path: Path):
    folder = twins(tmp_path, "noisy")
    path = folder / "train" / "noisy" / "1.png"
    path.rename(path.with_name("one.png"))
    task = real_denoise(images=str(folder), pairs="folders")
    assert "train/noisy/one.png has no partner" in refusal(task)


def test_two_files_of_one_name_are_refused(tmp_path: Path):
    folder = twins(tmp_path, "noisy")
    Image.fromarray(picture(0)).save(folder / "train" / "noisy" / "1.bmp")
    assert "have one name" in refusal(real_denoise(images=str(folder), pairs="folders"))


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("DIV2K_train_LR_bicubic/X2/0002x2.png", "0002.png has no partner 0002x2"),
        ("DIV2K_train_HR/0002.png", "0002x2.png has no partner"),
    ],
)
def test_a_picture_of_div2k_without_partner_is_named(tmp_path: Path, gone: str, message: str):
    folder = div2k(tmp_path)
    (folder / gone).unlink()
    assert message in refusal(super_resolution(images=str(folder), pairs="div2k", scale=2))


def test_a_scale_of_which_there_are_no_small_pictures_is_refused(tmp_path: Path):
    task = super_resolution(images=str(div2k(tmp_path, 2)), pairs="div2k", scale=4)
    assert "DIV2K_train_LR_bicubic/X4" in refusal(task)


def test_a_folder_of_another_layout_is_refused(tmp_path: Path):
    save(tmp_path / "a" / "a.png", picture(0))
    folder = str(tmp_path / "a")
    assert "no folder of the layout div2k" in refusal(
        super_resolution(images=folder, pairs="div2k")
    )
    message = refusal(real_denoise(images=folder, pairs="folders"))
    assert f"{folder} has no folder noisy, as pairs are to have" in message
    message = refusal(derain(images=folder, pairs="folders"))
    assert f"{folder} has no folder rainy or rain or input" in message


@pytest.mark.parametrize("empty", ["noisy", "clean"])
def test_an_empty_folder_of_a_pair_is_refused(tmp_path: Path, empty: str):
    folder = twins(tmp_path, "noisy")
    for path in (folder / "train" / empty).iterdir():
        path.unlink()
    task = real_denoise(images=str(folder), pairs="folders")
    assert f"train/{empty} has no pictures" in refusal(task)


def test_pairs_have_a_ground_truth_and_degraded_pictures_have_none(tmp_path: Path):
    task = real_denoise(images=str(twins(tmp_path, "noisy")), pairs="folders", degraded=True)
    assert "leave one out" in refusal(task)


def test_a_pair_too_small_to_measure_is_refused(tmp_path: Path):
    for part in ("train", "test"):
        for kind in ("noisy", "clean"):
            save(tmp_path / part / kind / f"{part}.png", picture(0, 15, 40))
    task = real_denoise(images=str(tmp_path), pairs="folders")
    assert "has 15 x 40 pixels: pictures need 16 x 16" in refusal(task)


def test_pairs_without_folders_are_refused():
    with pytest.raises(SettingsError, match=r"task\.pairs=folders .*task\.images=FOLDER"):
        derain(pairs="folders").samples("test")
