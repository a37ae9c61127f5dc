from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from made_tasks import super_resolution
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio

from nasir.core.errors import NasirError, PictureError, SettingsError
from nasir.core.search_space import Signature
from nasir.settings import building
from nasir.tasks.physics.resampling import Downsampling, resized
from nasir.tasks.super_resolution import SuperResolution


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a grey and two colour pictures of 50 x 67."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in "ab":
        values = rng.integers(0, 256, (50, 67, 3), dtype=np.uint8)
        Image.fromarray(values).save(f"{name}.png")
    Image.fromarray(rng.integers(0, 256, (50, 67), dtype=np.uint8)).save("grey.png")
    return tmp_path


@pytest.mark.parametrize("kernel", ["bicubic", "lanczos2"])
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_picture_is_cut_to_a_multiple_and_brought_down(folder: Path, scale: int, kernel: str):
    task = super_resolution(images="a.png", scale=scale, size=0, downsampling=kernel)
    (sample,) = task.samples("test")
    height, width = 50 // scale, 67 // scale
    assert sample.clean.shape == (1, 3, height * scale, width * scale)
    assert sample.degraded.shape == (1, 3, height, width)
    assert torch.equal(sample.degraded, Downsampling(scale, kernel)(sample.clean))
    assert sample.mask is None
    values = torch.from_numpy(np.asarray(Image.open("a.png")) / 255).permute(2, 0, 1).float()
    kept = values[None, :, : height * scale, : width * scale]
    torch.testing.assert_close(sample.clean, kept, rtol=0, atol=1e-7)


def test_the_signature_enlarges(folder: Path):
    assert super_resolution(images="a.png", scale=3).signature == Signature(3, 3, scale=3)
    assert super_resolution(images="grey.png", scale=8).signature == Signature(1, 1, scale=8)


def test_the_default_needs_no_picture_and_enlarges_four_times():
    task = super_resolution()
    for split in ("search", "test"):
        for sample in task.samples(split):
            assert sample.clean.shape == (1, 3, 96, 96)
            assert sample.degraded.shape == (1, 3, 24, 24)


def test_the_loss_compares_the_output_brought_down(folder: Path):
    task = super_resolution(images="a.png", scale=2, size=32)
    (sample,) = task.samples("test")
    assert task.loss(sample.clean, sample).item() == pytest.approx(0, abs=1e-10)
    assert task.loss(sample.clean + 0.5, sample).item() == pytest.approx(0.25, rel=1e-5)
    output = torch.rand(sample.clean.shape, generator=torch.Generator().manual_seed(0))
    small = F.interpolate(output, (16, 16), mode="bicubic", antialias=True)
    inside = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    difference = (small - sample.degraded)[inside]
    ours = (sample.forward_operator(output) - sample.degraded)[inside]
    torch.testing.assert_close(ours, difference, rtol=0, atol=1e-5)
    assert task.loss(output, sample).item() == pytest.approx(
        (sample.forward_operator(output) - sample.degraded).square().mean().item(), rel=1e-5
    )


def test_unrestored_is_the_bicubic_enlargement(folder: Path):
    task = super_resolution(images="a.png", scale=4, size=48)
    (sample,) = task.samples("test")
    enlarged = task.unrestored(sample)
    assert enlarged.shape == sample.clean.shape
    assert torch.equal(enlarged, resized(sample.degraded, 48, 48))


@pytest.mark.parametrize("scale", [2, 4])
def test_psnr_is_of_the_luma_without_a_border_of_the_scale(folder: Path, scale: int):
    task = super_resolution(images="a.png", scale=scale, size=48)
    (sample,) = task.samples("test")
    enlarged = task.unrestored(sample).clamp(0, 1)
    luma = [
        rgb2ycbcr(x[0].permute(1, 2, 0).double().numpy())[scale:-scale, scale:-scale, 0] / 255
        for x in (sample.clean, enlarged)
    ]
    expected = peak_signal_noise_ratio(*luma, data_range=1)
    assert task.metrics(enlarged, sample)["psnr"] == pytest.approx(expected, abs=1e-3)


def test_psnr_of_grey_is_of_its_only_channel(folder: Path):
    task = super_resolution(images="grey.png", scale=2, size=48)
    (sample,) = task.samples("test")
    enlarged = task.unrestored(sample).clamp(0, 1)
    inside = [x[0, 0, 2:-2, 2:-2].double().numpy() for x in (sample.clean, enlarged)]
    expected = peak_signal_noise_ratio(*inside, data_range=1)
    assert task.metrics(enlarged, sample)["psnr"] == pytest.approx(expected, abs=1e-3)


def test_the_protocol_can_be_chosen(folder: Path):
    task = super_resolution(images="a.png", scale=2, size=48, channel="all", border=0)
    (sample,) = task.samples("test")
    enlarged = task.unrestored(sample).clamp(0, 1)
    expected = peak_signal_noise_ratio(sample.clean.numpy(), enlarged.numpy(), data_range=1)
    assert task.metrics(enlarged, sample)["psnr"] == pytest.approx(expected, abs=1e-3)


def test_a_picture_that_is_small_already_is_enlarged_as_it_is(folder: Path):
    task = super_resolution(images="a.png", scale=4, size=0, degraded=True)
    (sample,) = task.samples("test")
    assert sample.clean is None
    assert sample.degraded.shape == (1, 3, 50, 67)
    assert task.unrestored(sample).shape == (1, 3, 200, 268)
    assert sample.forward_operator(torch.zeros(1, 3, 200, 268)).shape == (1, 3, 50, 67)
    assert task.metrics(task.unrestored(sample), sample) == {}
    assert all(s.clean is not None for s in task.samples("search"))


def test_what_is_shrunk_is_still_enlarged_by_the_scale(folder: Path):
    task = super_resolution(images="a.png", scale=2, size=48)
    small = task.shrunk(task.samples("test")[0], 16)
    assert small.degraded.shape[-2:] == (16, 16)
    assert small.clean is None
    assert task.loss(torch.zeros(1, 3, 32, 32), small).isfinite()


def test_samples_are_pickled_and_moved(folder: Path):
    (sample,) = super_resolution(images="a.png", scale=2, size=32).samples("test")
    for other in (pickle.loads(pickle.dumps(sample)), copy.deepcopy(sample), sample.to("cpu")):
        assert torch.equal(other.forward_operator(sample.clean), sample.degraded)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"scale": 5}, "scale"),
        ({"scale": 1}, "scale"),
        ({"scale": 4, "size": 50}, r"size=50 .* multiple of scale=4 .*52"),
        ({"scale": 3, "size": 64}, r"size=64 .* multiple of scale=3 .*66"),
        ({"scale": 8, "size": 8}, r"size=8 .* from 16, such as 24"),
        ({"scale": 4, "size": -4}, r"size=-4 must be 0 or a multiple"),
        ({"downsampling": "gauss"}, "unknown degradation 'gauss': .*bicubic"),
        ({"downsampling": "Bicubic"}, "did you mean 'bicubic'"),
        ({"downsampling": "gaussian"}, "makes no picture smaller"),
        ({"channel": "cb"}, "'y'"),
        ({"border": -1}, ">= 0"),
    ],
)
def test_a_setting_out_of_range_is_refused_in_one_line(fields: dict[str, object], why: str):
    with pytest.raises(SettingsError, match=why) as refused:
        building.structure(SuperResolution, fields, "task")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_size_that_a_refusal_names_is_right(scale: int):
    for size in range(1, 40):
        try:
            super_resolution(scale=scale, size=size)
        except SettingsError as refused:
            super_resolution(scale=scale, size=int(str(refused).split()[-1]))


@pytest.mark.parametrize("degraded", [False, True])
def test_a_picture_too_small_is_refused(tmp_path: Path, degraded: bool):
    Image.new("L", (40, 15)).save(tmp_path / "tiny.png")
    task = super_resolution(images=str(tmp_path / "tiny.png"), degraded=degraded)
    with pytest.raises(PictureError, match="tiny has 15 x 40 pixels: pictures need 16 x 16"):
        task.samples("test")


def test_a_border_that_leaves_nothing_to_measure_is_named(tmp_path: Path):
    Image.new("L", (16, 16)).save(tmp_path / "small.png")
    task = super_resolution(images=str(tmp_path / "small.png"), scale=8)
    (sample,) = task.samples("test")
    with pytest.raises(NasirError, match=r"16 x 16 has no 11 x 11 pixels inside a border of 8"):
        task.metrics(sample.clean, sample)


def test_degraded_without_pictures_is_refused():
    with pytest.raises(SettingsError, match=r"task\.images="):
        super_resolution(degraded=True).samples("test")


def test_the_protocol_of_deep_image_prior_cuts_to_multiples_of_32_and_shrinks_by_pillow(
    folder: Path,
):
    """The middle 32 x 64 of 50 x 67, and the border of 4 pixels whatever the scale is."""
    task = super_resolution(
        images="a.png", scale=2, size=0, downsampling="lanczos2", protocol="dip"
    )
    (sample,) = task.samples("test")
    middle = Image.open("a.png").crop((1, 9, 65, 41))
    small = middle.resize((32, 16), Image.Resampling.LANCZOS)
    for ours, theirs in ((sample.clean, middle), (sample.degraded, small)):
        assert ours.dtype == torch.float32
        values = np.asarray(theirs, np.float32) / np.float32(255)
        np.testing.assert_array_equal(ours[0].permute(1, 2, 0).numpy(), values)
    assert torch.equal(
        sample.forward_operator(sample.clean), Downsampling(2, "lanczos2")(sample.clean)
    )
    assert task.usual_protocol == ("y", 4)
    assert super_resolution(images="a.png", scale=2).usual_protocol == ("y", 2)


def test_the_protocol_of_deep_image_prior_refuses_what_32_pixels_do_not_suit(folder: Path):
    with pytest.raises(SettingsError, match=r"protocol=dip .* scale=3 .*2, 4 or 8"):
        super_resolution(scale=3, protocol="dip")
    task = super_resolution(images="a.png", scale=2, size=20, protocol="dip")
    with pytest.raises(PictureError, match=r"a has 20 x 20 pixels: .*needs 32 x 32"):
        task.samples("test")
