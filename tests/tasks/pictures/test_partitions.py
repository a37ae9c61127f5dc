"""Pictures that are kept apart for validation."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_sets import bsds, picture, rain800, save, twins
from made_tasks import denoise

from nasir.core.component import input_files
from nasir.core.errors import NasirError
from nasir.tasks.derain import Derain
from nasir.tasks.paired_task import PairedTask
from nasir.tasks.real_denoise import RealDenoise


def parts(task: PairedTask) -> tuple[list[str], list[str], list[str]]:
    kept = task.validation_patches()
    tested = [sample.name for sample in task.samples("test")]
    return list(task.patches().names), list(kept.names) if kept else [], tested


@pytest.mark.parametrize("below", ["", "data/images"])
def test_val_of_bsds500_is_its_folder_of_that_name(tmp_path: Path, below: str):
    bsds(tmp_path / below)
    task = denoise(images=str(tmp_path), validation_images="val")
    assert parts(task) == (["0", "1"], ["2"], ["3", "4"])


def test_a_number_of_pictures_is_drawn_from_the_seed(tmp_path: Path):
    for number in range(30):
        save(tmp_path / "train" / f"{number:02}.png", picture(number))
    save(tmp_path / "test" / "t.png", picture(99))

    def kept(seed: int) -> list[str]:
        training, validation, _ = parts(denoise(images=str(tmp_path), validation=10, seed=seed))
        assert (len(training), len(validation)) == (20, 10)
        assert not set(training) & set(validation)
        return validation

    assert kept(0) == kept(0) == sorted(kept(0))
    assert len({tuple(kept(seed)) for seed in range(5)}) == 5


def test_pairs_are_kept_apart_as_pairs(tmp_path: Path):
    rain = Derain(images=str(rain800(tmp_path / "rain")), pairs="rain800", validation=1)
    assert [len(part) for part in parts(rain)] == [2, 1, 2]
    folder = str(twins(tmp_path / "camera", "noisy"))
    with pytest.raises(NasirError, match="takes all 3 pictures"):
        parts(RealDenoise(images=folder, pairs="sim1800", validation_images="train"))


def test_pictures_by_path_are_taken_out_of_the_training(tmp_path: Path):
    folder = bsds(tmp_path)
    task = denoise(images=str(folder), validation_images=str(folder / "train" / "1.png"))
    assert parts(task) == (["0", "2"], ["1"], ["3", "4"])


def test_other_pictures_may_be_validated_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "mine" / "m.png", picture(9))
    task = denoise(images=str(bsds(tmp_path / "set")), validation_images="mine")
    assert parts(task) == (["0", "1", "2"], ["m"], ["3", "4"])


def test_pictures_to_validate_on_are_inputs_of_a_run(tmp_path: Path):
    path = bsds(tmp_path / "set") / "val" / "2.png"
    assert path in input_files(denoise(validation_images=str(path)))
    assert input_files(denoise(validation_images="val")) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation": 3}, "takes all 3 pictures, which leaves none to train on"),
        ({"validation_images": ("train", "val")}, "takes all 3 pictures"),
        ({"validation_images": "{set}/test"}, r"3 is to be validated on and tested on: leave"),
        ({"validation_images": "dev"}, "=dev: no picture to train on is in a folder of this name"),
        ({"validation_images": "{set}/none.png"}, "none.png"),
        ({"validation_images": "val", "validation": 1}, "leave one out"),
    ],
)
def test_partitions_that_overlap_or_are_empty_are_refused(
    tmp_path: Path, settings: dict[str, object], message: str
):
    folder = str(bsds(tmp_path))
    given = {
        key: value.format(set=folder) if isinstance(value, str) else value
        for key, value in settings.items()
    }
    with pytest.raises(NasirError, match=message) as refused:
        parts(denoise(images=folder, **given))
    assert "\n" not in str(refused.value)
