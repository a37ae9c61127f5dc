from __future__ import annotations

import pickle
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from nasir.core.errors import NasirError, PictureError, SettingsError
from nasir.core.search_space import Signature
from nasir.settings import building
from nasir.tasks.pictures.photographs import photographs
from nasir.tasks.translate import Translate
from nasir.tasks.unpaired import winter
from nasir.testing import TaskContract

PARTS = ("trainA", "trainB", "testA", "testB")


def fill(folder: Path, counts: tuple[int, ...] = (3, 4, 2, 2), side: int = 20) -> str:
    """Noise in colour, in the four folders."""
    rng = np.random.default_rng(0)
    for part, count in zip(PARTS, counts, strict=True):
        (folder / part).mkdir()
        for i in range(count):
            values = rng.integers(0, 256, (side, side + 4, 3), dtype=np.uint8)
            Image.fromarray(values).save(folder / part / f"{part}-{i}.png")
    return str(folder)


class TestTranslate(TaskContract):
    """The photographs and their winter, whose counterparts are known."""

    def make(self) -> Translate:
        return Translate(size=64, held_out=3)


class TestTranslateBack(TaskContract):
    def make(self) -> Translate:
        return Translate(size=128, direction="BtoA", seed=3)


@pytest.mark.parametrize("size", [32, 64, 256])
def test_every_tile_is_in_one_place(size: int) -> None:
    pictures = Translate(size=size)._read()
    names = [s.name for split in (pictures.train, pictures.test) for x in split for s in x]
    tiles = sum((p.shape[0] // size) * (p.shape[1] // size) for p in photographs())
    assert len(names) == len(set(names)) == tiles


def test_a_tile_is_the_part_of_the_photograph_that_its_name_says() -> None:
    whole = {picture.name: picture.read() for picture in photographs()}
    for sample in Translate(size=64).samples("test"):
        name, row, column = sample.name.split("-")
        rows, columns = (slice(64 * int(i), 64 * (int(i) + 1)) for i in (row, column))
        expected = whole[name][rows, columns]
        assert np.array_equal(sample.degraded[0].permute(1, 2, 0).numpy(), expected)


def test_a_search_is_scored_on_training_pictures_that_it_does_not_learn_from() -> None:
    task = Translate(held_out=5)
    for side in (0, 1):
        learnt = {x.numpy().tobytes() for x in task.domains("search")[side]}
        scored = {s.degraded.numpy().tobytes() for s in task.unseen("search")[side]}
        tested = {s.degraded.numpy().tobytes() for s in task.unseen("test")[side]}
        whole = {x.numpy().tobytes() for x in task.domains("test")[side]}
        assert len(scored) == 5
        assert not learnt & scored
        assert learnt | scored == whole
        assert not whole & tested


def test_another_seed_deals_other_tiles() -> None:
    one, other = ({s.name for s in Translate(seed=n).samples("test")} for n in (0, 1))
    assert one != other


def test_winter_is_the_formula_it_says() -> None:
    red, white = torch.tensor([1.0, 0, 0]), torch.ones(3)
    x = torch.stack([red, white, torch.zeros(3)]).view(3, 3, 1, 1)
    luma = 0.6 * 0.299
    expected = torch.tensor(
        [
            [0.7 * (0.4 + luma) + 0.21, 0.7 * luma + 0.25, 0.7 * luma + 0.29],
            [0.91, 0.95, 0.99],
            [0.21, 0.25, 0.29],
        ]
    )
    torch.testing.assert_close(winter(x).view(3, 3), expected)


def test_each_direction_has_the_counterparts_of_its_sources() -> None:
    for sample in Translate(direction="AtoB").samples("test"):
        assert torch.equal(winter(sample.degraded), sample.clean)
    for sample in Translate(direction="BtoA").samples("search"):
        assert torch.equal(winter(sample.clean), sample.degraded)


def test_a_folder_has_the_pictures_of_its_parts_and_no_ground_truth(tmp_path: Path) -> None:
    task = Translate(folder=fill(tmp_path), size=20, held_out=1)
    assert [len(x) for x in task.domains("search")] == [2, 3]
    assert [len(x) for x in task.unseen("search")] == [1, 1]
    assert [len(x) for x in task.domains("test")] == [3, 4]
    assert [s.name for s in task.samples("test")] == ["testA-0", "testA-1"]
    back = attrs.evolve(task, direction="BtoA")
    assert [s.name for s in back.samples("test")] == ["testB-0", "testB-1"]
    for sample in [*task.samples("test"), *task.samples("search")]:
        assert sample.clean is None
        assert not task.metrics(sample.degraded, sample)


def test_pictures_are_shrunk_and_cut_to_their_middle(tmp_path: Path) -> None:
    fill(tmp_path, side=64)
    values = np.zeros((80, 160, 3), np.uint8)
    values[:, 60:100] = 255  # of a square of 80 in the middle, the inner half
    Image.fromarray(values).save(tmp_path / "testA" / "testA-0.png")
    picture = Translate(folder=str(tmp_path), size=40).samples("test")[0].degraded
    assert picture.shape == (1, 3, 40, 40)
    assert picture[..., 12:28].min() > 0.99
    assert picture[..., :8].max() < 0.01
    assert picture[..., 32:].max() < 0.01
    assert picture.min() >= 0
    assert picture.max() <= 1


def test_pictures_of_the_right_size_are_taken_as_they_are(tmp_path: Path) -> None:
    fill(tmp_path)
    values = np.random.default_rng(1).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "testA" / "testA-0.png")
    picture = Translate(folder=str(tmp_path), size=20).samples("test")[0].degraded
    np.testing.assert_allclose(picture[0].permute(1, 2, 0) * 255, values, atol=1e-4)


def test_grey_pictures_are_made_colour(tmp_path: Path) -> None:
    fill(tmp_path)
    values = np.random.default_rng(1).integers(0, 256, (20, 20), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "testA" / "testA-0.png")
    picture = Translate(folder=str(tmp_path), size=20).samples("test")[0].degraded
    assert picture.shape == (1, 3, 20, 20)
    assert torch.equal(picture[:, :1].expand(1, 3, -1, -1), picture)


def test_half_of_the_training_pictures_are_learnt_from_at_least(tmp_path: Path) -> None:
    task = Translate(folder=fill(tmp_path), size=20)
    assert [len(x) for x in task.domains("search")] == [2, 2]
    assert [len(x) for x in task.unseen("search")] == [1, 2]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"no folder .*/nowhere: .* trainA, trainB, testA, te"):
        Translate(folder=str(tmp_path / "nowhere")).samples("test")
    (tmp_path / "trainA").mkdir()
    with pytest.raises(PictureError, match=r"there is no folder .*/trainB: "):
        Translate(folder=str(tmp_path)).samples("search")


@pytest.mark.parametrize("empty", range(4))
def test_an_empty_side_is_named(tmp_path: Path, empty: int) -> None:
    counts = [2, 2, 2, 2]
    counts[empty] = 0
    fill(tmp_path, tuple(counts))
    with pytest.raises(PictureError, match=f"{PARTS[empty]} has no pictures"):
        Translate(folder=str(tmp_path), size=20).samples("test")


def test_a_single_training_picture_is_not_enough_for_a_search(tmp_path: Path) -> None:
    task = Translate(folder=fill(tmp_path, (2, 1, 1, 1)), size=20)
    assert len(task.samples("test")) == 1
    with pytest.raises(PictureError, match="trainB has only the picture trainB-0: it needs two"):
        task.samples("search")


def test_a_picture_smaller_than_the_squares_is_refused(tmp_path: Path) -> None:
    task = Translate(folder=fill(tmp_path, side=20), size=32)
    with pytest.raises(PictureError, match=r"trainA-0.png has 20 x 24 pixels and task.size=32"):
        task.samples("test")


def test_squares_of_which_photographs_have_too_few_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"task.size=400: .* have 3 tiles .* 6 are needed"):
        Translate(size=400).samples("test")


@pytest.mark.parametrize(
    "wrong", [{"size": 15}, {"direction": "A2B"}, {"held_out": 0}, {"seed": -1}]
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(NasirError):
        building.structure(Translate, wrong)


def test_the_assembled_module_has_two_generators_and_translates_in_its_direction() -> None:
    def build(signature: Signature) -> nn.Module:
        return nn.Conv2d(signature.in_channels, signature.out_channels, 1)

    module = Translate(direction="BtoA").assemble(build, Signature(3, 3))
    assert set(module.generators) == {"AtoB", "BtoA"}
    x = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(module(x), module.generators["BtoA"](x))
    assert not torch.equal(module(x), module.generators["AtoB"](x))


def test_a_pickled_task_reads_its_pictures_again(tmp_path: Path) -> None:
    task = Translate(folder=fill(tmp_path), size=20)
    size = len(pickle.dumps(task))
    task.samples("test")
    assert len(pickle.dumps(task)) == size
