from __future__ import annotations

import math
import pickle
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from made_tasks import inpaint
from PIL import Image

from nasir.core.errors import PictureError, SettingsError
from nasir.core.search_space import Signature
from nasir.core.task import Sample
from nasir.settings import building
from nasir.tasks.inpaint import Inpaint


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with colour pictures a and b of 40 x 60 and a mask for them."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in "ab":
        values = rng.integers(1, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(values).save(f"{name}.png")
    Image.fromarray(mask_values()).save("mask.png")
    return tmp_path


def mask_values() -> np.ndarray:
    """White but for a black rectangle near the middle."""
    values = np.full((40, 60), 255, np.uint8)
    values[10:20, 25:45] = 0
    return values


@pytest.mark.parametrize("missing", [0.1, 0.5, 0.9])
def test_the_drawn_mask_is_of_bernoulli_trials(tmp_path: Path, missing: float):
    Image.new("RGB", (300, 200), "white").save(tmp_path / "a.png")
    task = inpaint(images=str(tmp_path / "a.png"), size=0, missing=missing)
    (sample,) = task.samples("test")
    assert sample.mask.shape == (1, 1, 200, 300)
    assert sample.mask.dtype == torch.float32
    assert set(sample.mask.unique().tolist()) == {0, 1}
    count, variance = sample.mask.numel(), missing * (1 - missing)
    assert sample.mask.mean().item() == pytest.approx(
        1 - missing, abs=5 * math.sqrt(variance / count)
    )
    centred = sample.mask[0, 0] - (1 - missing)
    for pairs in (centred[:, 1:] * centred[:, :-1], centred[1:] * centred[:-1]):
        assert abs(pairs.mean() / variance) < 5 / math.sqrt(count)


def test_half_of_the_pixels_are_missing_by_default():
    for sample in inpaint().samples("test"):
        assert sample.clean.shape == (1, 3, 64, 64)
        assert sample.mask.mean().item() == pytest.approx(0.5, abs=5 * 0.5 / 64)


def test_missing_pixels_are_black_in_all_channels_and_the_others_as_they_were(folder: Path):
    for sample in inpaint(images="*.png", search=0).samples("test"):
        kept = sample.mask.expand_as(sample.clean) == 1
        assert torch.equal(sample.degraded[kept], sample.clean[kept])
        assert not sample.degraded[~kept].any()


def test_masks_depend_on_the_seed_and_the_name_alone(folder: Path):
    def masks(*images: str, seed: int = 0) -> dict[str, torch.Tensor]:
        task = inpaint(images=images, search=0, seed=seed)
        return {s.name: s.mask for s in task.samples("test")}

    one, other = masks("a.png", "b.png"), masks("b.png", "a.png")
    assert all(torch.equal(one[name], other[name]) for name in "ab")
    assert not torch.equal(one["a"], one["b"])
    assert not torch.equal(one["a"], masks("a.png", seed=1)["a"])


def test_more_that_is_missing_hides_what_was_missing_before(folder: Path):
    little, much = (inpaint(images="a.png", missing=m).samples("test")[0].mask for m in (0.3, 0.6))
    assert (much <= little).all()


def test_a_mask_picture_is_white_where_pixels_are_there(folder: Path):
    (sample,) = inpaint(images="a.png", size=0, mask="mask.png").samples("test")
    expected = torch.from_numpy(mask_values() / 255).float()[None, None]
    assert torch.equal(sample.mask, expected)
    assert torch.equal(sample.degraded, sample.clean * expected)


@pytest.mark.parametrize("size", [20, 30, 50, 64])
def test_a_mask_picture_is_cut_as_the_pictures_are(folder: Path, size: int):
    values = np.asarray(Image.open("a.png")).copy()
    values[mask_values() == 0] = 0
    Image.fromarray(values).save("holes.png")
    (sample,) = inpaint(images="holes.png", size=size, mask="mask.png").samples("test")
    assert sample.mask.shape[-2:] == sample.clean.shape[-2:]
    assert torch.equal(sample.mask[0, 0] == 1, (sample.clean > 0).all(1)[0])


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P"])
def test_a_mask_picture_may_be_of_any_kind(folder: Path, mode: str):
    Image.fromarray(mask_values()).convert(mode).save("other.png")
    first, second = (
        inpaint(images="a.png", mask=name).samples("test")[0].mask
        for name in ("mask.png", "other.png")
    )
    assert torch.equal(first, second)


def test_a_picture_with_holes_is_taken_as_it_is(folder: Path):
    task = inpaint(images="a.png", degraded=True, mask="mask.png", size=0)
    (sample,) = task.samples("test")
    assert sample.clean is None
    assert task.metrics(sample.degraded, sample) == {}
    expected = torch.from_numpy(mask_values() / 255).float()[None, None]
    assert torch.equal(sample.mask, expected)
    values = torch.from_numpy(np.asarray(Image.open("a.png"), np.float32) / np.float32(255))
    assert torch.equal(sample.degraded, values.permute(2, 0, 1)[None] * expected)
    for searched in task.samples("search"):
        assert searched.clean.shape == (1, 3, *searched.mask.shape[-2:])
        assert 0.3 < searched.mask.mean() < 0.7


def test_the_loss_looks_at_the_pixels_that_are_there(folder: Path):
    task = inpaint(images="a.png")
    (sample,) = task.samples("test")
    output = torch.where(sample.mask == 1, sample.clean, torch.tensor(9.0))
    assert task.loss(output, sample) == 0
    assert task.loss(sample.clean + 0.5, sample).item() == pytest.approx(0.25, rel=1e-5)


def test_metrics_are_of_all_pixels(folder: Path):
    task = inpaint(images="a.png")
    (sample,) = task.samples("test")
    error = (sample.degraded - sample.clean).double().square().mean().item()
    figures = task.metrics(sample.degraded, sample)
    assert figures["psnr"] == pytest.approx(-10 * math.log10(error), abs=1e-6)


def test_the_signature_has_the_channels_of_the_pictures(folder: Path):
    assert inpaint(images="a.png").signature == Signature(3, 3)
    assert inpaint(images="a.png", color="grey").signature == Signature(1, 1)


def test_a_shrunk_picture_misses_the_same_share(folder: Path):
    task = inpaint(images="a.png", size=0, missing=0.7)
    small = task.shrunk(task.samples("test")[0], 20)
    assert small.degraded.shape == (1, 3, 20, 30)
    assert small.mask.mean().item() == pytest.approx(0.3, abs=5 * math.sqrt(0.21 / 600))
    assert not (small.degraded * (1 - small.mask)).any()


def test_a_pickled_task_makes_the_same_samples(folder: Path):
    task = inpaint(images="*.png", mask="mask.png")
    task.samples("test")
    again = pickle.loads(pickle.dumps(task))
    assert again == task
    for one, other in zip(task.samples("test"), again.samples("test"), strict=True):
        assert torch.equal(one.degraded, other.degraded)
        assert torch.equal(one.mask, other.mask)


def test_the_mask_is_found_from_wherever_a_run_is_resumed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    written = building.settings_of_component(inpaint(images="a.png", mask="mask.png"))
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert len(building.structure(Inpaint, written).samples("test")) == 1


def refusal(task: Inpaint) -> str:
    with pytest.raises(PictureError) as refused:
        task.samples("test")
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_a_mask_of_another_size_is_refused_with_both_sizes(folder: Path):
    Image.new("L", (60, 41), 255).save("other.png")
    for degraded in (False, True):
        message = refusal(inpaint(images="a.png", mask="other.png", degraded=degraded))
        assert "other.png has 41 x 60 pixels and the picture 40 x 60" in message


def test_a_mask_for_the_carried_photographs_has_to_have_their_size(folder: Path):
    assert "and the picture 512 x 512" in refusal(inpaint(mask="mask.png"))


@pytest.mark.parametrize("level", [0, 127])
def test_a_mask_that_is_black_everywhere_is_refused(folder: Path, level: int):
    Image.new("L", (60, 40), level).save("black.png")
    assert "black.png is black everywhere" in refusal(inpaint(images="a.png", mask="black.png"))


def test_a_mask_that_is_black_in_the_part_that_is_taken_is_refused(folder: Path):
    Image.fromarray(255 - mask_values()).save("part.png")
    assert len(inpaint(images="a.png", mask="part.png").samples("test")) == 1
    values = np.full((40, 60), 0, np.uint8)
    values[:, :5] = 255
    Image.fromarray(values).save("part.png")
    message = refusal(inpaint(images="a.png", mask="part.png", size=16))
    assert "task.size cuts to the middle" in message


def test_a_mask_that_is_not_there_is_refused(folder: Path):
    assert "nowhere.png: No such file" in refusal(inpaint(images="a.png", mask="nowhere.png"))


def test_holes_without_a_mask_are_refused_before_any_picture_is_read():
    with pytest.raises(SettingsError, match=r"which pixels are missing: task\.mask=FILE"):
        building.structure(Inpaint, {"degraded": True, "images": ["nowhere.png"]}, "task")


@pytest.mark.parametrize("missing", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_a_share_out_of_range_is_refused(missing: float):
    with pytest.raises(SettingsError, match=r"task.*missing"):
        building.structure(Inpaint, {"missing": missing}, "task")


def test_a_sample_keeps_its_mask_when_others_are_put_in(folder: Path):
    """As a fit does that keeps pixels out to measure itself by."""
    task = inpaint(images="a.png")
    (sample,) = task.samples("test")
    half = sample.mask.clone()
    half[..., :20, :] = 0
    output = sample.clean.clone()
    output[..., :20, :] += 1
    assert task.loss(output, attrs.evolve(sample, mask=half)) == 0
    assert task.loss(output, sample) > 0.3


def test_restored_pictures_keep_known_pixels_where_a_person_gets_them(folder: Path):
    assert Inpaint.settings_for("restore")["known"] == "exact"
    assert Inpaint.settings_for("evaluate")["known"] == "exact"
    assert "known" not in Inpaint.settings_for("search")
    task = inpaint(images="a.png", mask="mask.png", degraded=True, size=0, known="exact")
    (sample,) = task.samples("test")
    output = torch.full_like(sample.degraded, 0.5)
    restored = task.restored(output, sample)
    known = (sample.mask == 1).expand_as(restored)
    assert torch.equal(restored[known], sample.degraded[known])
    assert torch.equal(inpaint(images="a.png").restored(output, sample), output)


def test_noisy_pixels_are_not_kept(folder: Path):
    task = inpaint(images="a.png", degradation="mask+gaussian", known="exact")
    (sample,) = task.samples("test")
    output = torch.full_like(sample.degraded, 0.5)
    assert torch.equal(task.restored(output, sample), output)


def test_grey_in_the_mask_weighs_the_loss_and_keeps_the_pixel(folder: Path):
    values = mask_values()
    values[0, :] = 102
    Image.fromarray(values).save("mask.png")
    (sample,) = inpaint(images="a.png", mask="mask.png", degraded=True, size=0).samples("test")
    assert sample.mask[0, 0, 0].allclose(torch.tensor(0.4))
    assert sample.degraded[..., 0, :].sum() > 0
    output = sample.degraded.clone()
    output[..., 0, :] += 1
    share = 0.4 * 60 / sample.mask.sum().item()
    assert inpaint(images="a.png").loss(output, sample).item() == pytest.approx(share, rel=1e-5)


def test_the_ripples_of_a_jpeg_mask_are_black_and_white(folder: Path):
    values = np.where(mask_values() > 0, 247, 8).astype(np.uint8)
    Image.fromarray(values).save("mask.png")
    (sample,) = inpaint(images="a.png", mask="mask.png", degraded=True, size=0).samples("test")
    assert set(sample.mask.unique().tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("inverted", "grey", "said"),
    [
        (False, 0, "8.3 % of mask.png is black and filled in"),
        (True, 0, "92 % of mask.png is black and filled in; is it inverted?"),
        (False, 5, "8.3 % of mask.png is black and filled in, 12 % is grey: known in part"),
    ],
)
def test_how_much_a_mask_fills_in_is_said(folder: Path, inverted: bool, grey: int, said: str):
    """The black rectangle has 200 of 2400 pixels, and each grey row 60."""
    values = 255 - mask_values() if inverted else mask_values()
    values[30 : 30 + grey] = 128
    Image.fromarray(values).save("mask.png")
    (words,) = inpaint(images="a.png", mask="mask.png", size=0).remarks()
    assert words.startswith(said)
    assert inpaint(images="a.png", size=0).remarks() == ()


def test_a_mask_without_a_hole_is_refused(folder: Path):
    Image.new("L", (60, 40), 255).save("white.png")
    message = refusal(inpaint(images="a.png", mask="white.png"))
    assert "white.png is white everywhere" in message


@pytest.mark.parametrize(("known", "rows"), [("exact", 68), ("fitted", 200)])
def test_a_fit_is_made_around_the_holes_where_known_pixels_are_kept(known: str, rows: int):
    mask = torch.ones(1, 1, 200, 60)
    mask[..., 10:20, 25:45] = 0
    region = inpaint(known=known).region(Sample("a", torch.zeros(1, 3, 200, 60), mask=mask))
    assert region == (slice(0, rows), slice(0, 60))
