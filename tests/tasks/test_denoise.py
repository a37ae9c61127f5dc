from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from made_tasks import denoise
from PIL import Image

from nasir.core.errors import NasirError, PictureError, SettingsError
from nasir.core.metrics import psnr
from nasir.core.search_space import Signature
from nasir.core.seeds import derived_seed
from nasir.settings import building
from nasir.tasks.degradations.gaussian import Gaussian
from nasir.tasks.denoise import Denoise


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, which has colour pictures a, b, c, d and a grey one in other folders."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Path("colour").mkdir()
    for name in "abcd":
        values = rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(values).save(Path("colour", f"{name}.png"))
    Path("grey").mkdir()
    Image.fromarray(rng.integers(0, 256, (20, 24), dtype=np.uint8)).save("grey/a.png")
    return tmp_path


def names(task: Denoise) -> tuple[list[str], list[str]]:
    return [s.name for s in task.samples("search")], [s.name for s in task.samples("test")]


@pytest.fixture
def large(tmp_path: Path) -> str:
    """A grey picture of one value, for statistics of the noise."""
    Image.new("L", (512, 512), 128).save(tmp_path / "large.png")
    return str(tmp_path / "large.png")


@pytest.mark.parametrize("sigma", [5.0, 25.0, 50.0])
def test_the_noise_has_the_mean_deviation_and_kurtosis_of_its_distribution(
    large: str, sigma: float
):
    (sample,) = denoise(images=(large,), size=0, sigma=sigma).samples("test")
    noise = (sample.degraded - sample.clean).double() / (sigma / 255)
    count = noise.numel()
    assert abs(noise.mean()) < 5 / math.sqrt(count)
    assert noise.std().item() == pytest.approx(1, abs=5 / math.sqrt(2 * count))
    assert (noise**4).mean().item() == pytest.approx(3, abs=5 * math.sqrt(96 / count))
    neighbours = (noise[..., 1:] * noise[..., :-1]).mean()
    assert abs(neighbours) < 5 / math.sqrt(count)


@pytest.mark.parametrize("sigma", [15.0, 25.0, 50.0])
def test_the_noisy_picture_has_the_psnr_of_its_sigma(large: str, sigma: float):
    (sample,) = denoise(images=(large,), size=0, sigma=sigma).samples("test")
    expected = 20 * math.log10(255 / sigma)  # 20.17 dB at 25
    assert psnr(sample.degraded, sample.clean) == pytest.approx(expected, abs=0.05)


def test_noise_is_clipped_only_when_asked(large: str):
    (plain,) = denoise(images=(large,), sigma=200).samples("test")
    (clipped,) = denoise(images=(large,), sigma=200, clip=True).samples("test")
    assert plain.degraded.min() < 0
    assert plain.degraded.max() > 1
    assert torch.equal(clipped.degraded, plain.degraded.clamp(0, 1))


def test_gaussian_noise_is_drawn_from_the_seed_and_the_name(large: str):
    (sample,) = denoise(images=(large,), size=48, seed=7).samples("test")
    generator = np.random.default_rng(derived_seed(7, "noise", "large"))
    noise = generator.standard_normal((1, 1, 48, 48), dtype=np.float32)
    expected = sample.clean + torch.from_numpy(noise) * (25 / 255)
    assert torch.equal(sample.degraded, expected)


@pytest.mark.parametrize("peak", [4.0, 30.0, 255.0])
def test_poisson_noise_has_the_moments_of_its_distribution(large: str, peak: float):
    (sample,) = denoise(images=(large,), size=0, noise="poisson", peak=peak).samples("test")
    photons = sample.degraded.double() * peak
    assert torch.allclose(photons, photons.round(), rtol=0, atol=1e-4)
    assert photons.min() >= 0
    expected, count = peak * 128 / 255, photons.numel()
    centred = photons - expected
    fourth = expected + 3 * expected**2
    assert abs(centred.mean()) < 5 * math.sqrt(expected / count)
    assert centred.square().mean().item() == pytest.approx(
        expected, abs=5 * math.sqrt((fourth - expected**2) / count)
    )
    sixth = expected + 25 * expected**2 + 15 * expected**3
    assert (centred**3).mean().item() == pytest.approx(expected, abs=5 * math.sqrt(sixth / count))
    neighbours = (centred[..., 1:] * centred[..., :-1]).mean() / expected
    assert abs(neighbours) < 5 / math.sqrt(count)


def test_the_variance_of_poisson_noise_goes_with_the_brightness(tmp_path: Path):
    values = np.repeat(np.arange(0, 256, 51, dtype=np.uint8), 50)
    Image.fromarray(np.tile(values, (1000, 1))).save(tmp_path / "steps.png")
    task = denoise(images=str(tmp_path / "steps.png"), size=0, noise="poisson", peak=100)
    (sample,) = task.samples("test")
    noise = (sample.degraded - sample.clean).double().view(1000, 6, 50)
    assert not noise[:, 0].any()
    for step in range(1, 6):
        brightness = step / 5
        bound = 5 * math.sqrt(2.1 / 50_000) * brightness / 100
        assert noise[:, step].square().mean().item() == pytest.approx(brightness / 100, abs=bound)


def test_many_photons_make_little_noise(folder: Path):
    task = denoise(images="colour", noise="poisson", peak=1e9)
    for sample in task.samples("test"):
        assert (sample.degraded - sample.clean).abs().max() < 3e-4


def test_poisson_noise_is_clipped_only_when_asked(folder: Path):
    plain, clipped = (denoise(images="colour", noise="poisson", clip=c) for c in (False, True))
    for sample, other in zip(plain.samples("test"), clipped.samples("test"), strict=True):
        assert sample.degraded.max() > 1
        assert torch.equal(other.degraded, sample.degraded.clamp(0, 1))


def test_camera_noise_is_of_8_bits_and_clipped_without_being_asked(folder: Path):
    task = denoise(images="colour", noise="camera", shot=0.5, read=0.1)
    for sample in task.samples("test"):
        levels = sample.degraded * 255
        assert sample.degraded.min() == 0
        assert sample.degraded.max() == 1
        assert torch.allclose(levels, levels.round(), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("noise", "foreign"), [("gaussian", "peak"), ("poisson", "sigma"), ("camera", "clip")]
)
def test_settings_that_the_chosen_noise_does_not_have_are_refused(noise: str, foreign: str):
    for path in (foreign, f"noise.{foreign}"):
        fields = {foreign: 3.0} if path == foreign else {}
        nested = {"name": noise} if path == foreign else {"name": noise, foreign: 3.0}
        with pytest.raises(SettingsError, match=rf"unknown setting 'task\.{path}'") as refused:
            denoise(noise=nested, **fields)
        assert "\n" not in str(refused.value)


def test_a_forward_operator_is_no_noise():
    with pytest.raises(SettingsError, match=r"Mask is a forward operator: take task=degraded"):
        denoise(noise="mask")


@pytest.mark.parametrize("noise", ["poisson", "camera"])
def test_every_noise_depends_on_the_seed_and_the_name_alone(folder: Path, noise: str):
    Path("colour/a.png").write_bytes(Path("colour/b.png").read_bytes())

    def degraded(seed: int, **settings: object) -> dict[str, torch.Tensor]:
        task = denoise(images="colour", noise=noise, seed=seed, **settings)
        return {s.name: s.degraded for split in ("search", "test") for s in task.samples(split)}

    one, other = degraded(0), degraded(0, search=3)
    assert all(torch.equal(one[name], other[name]) for name in "abcd")
    assert not torch.equal(one["a"], one["b"])
    assert not torch.equal(one["a"], degraded(1)["a"])


@pytest.mark.parametrize("noise", ["poisson", "camera"])
def test_the_search_for_noisy_pictures_has_the_chosen_noise(folder: Path, noise: str):
    given = denoise(images="colour", degraded=True, noise=noise)
    carried = denoise(noise=noise)
    for sample, other in zip(given.samples("search"), carried.samples("search"), strict=True):
        assert torch.equal(sample.degraded, other.degraded)


def test_without_sigma_there_is_no_noise(large: str):
    (sample,) = denoise(images=(large,), sigma=0).samples("test")
    assert torch.equal(sample.degraded, sample.clean)


def test_a_picture_gets_the_same_noise_in_every_split_order_and_instance(folder: Path):
    one = denoise(images=("colour",), search=1)
    other = denoise(images=("colour/d.png", "colour/c.png", "colour/b.png", "colour/a.png"))
    noises = [
        {s.name: s.degraded for split in ("test", "search") for s in task.samples(split)}
        for task in (one, other, pickle.loads(pickle.dumps(one)))
    ]
    assert [list(noise) for noise in noises] == [list("bcda"), list("badc"), list("bcda")]
    for name, degraded in noises[0].items():
        assert all(torch.equal(noise[name], degraded) for noise in noises)


def test_pictures_and_seeds_have_noises_of_their_own(folder: Path):
    noises = [
        (s.degraded - s.clean).flatten()
        for seed in (0, 1)
        for s in denoise(images=("colour",), test_images=("grey",), seed=seed).samples("search")
    ]
    correlations = torch.corrcoef(torch.stack(noises)) - torch.eye(len(noises))
    assert correlations.abs().max() < 5 / math.sqrt(len(noises[0]))


def test_no_picture_is_in_both_splits(folder: Path):
    assert names(denoise(images=("colour",))) == (["a", "b"], ["c", "d"])
    assert names(denoise(images=("colour",), search=3)) == (["a", "b", "c"], ["d"])
    assert names(denoise(images=("colour",), search=9)) == (["a", "b", "c"], ["d"])
    assert names(denoise(images=("colour/a.png", "colour/b.png"))) == (["a"], ["b"])


def test_a_single_picture_is_in_both_splits(folder: Path):
    assert names(denoise(images=("colour/a.png", "colour/../colour/a.png"))) == (["a"], ["a"])


def test_test_pictures_of_their_own_leave_the_others_to_the_search(folder: Path):
    task = denoise(images=("colour/a.png", "colour/b.png"), test_images=("colour/c.png",))
    assert names(task) == (["a", "b"], ["c"])
    with pytest.raises(PictureError, match=r"c\.png is in task\.images and in task\.test_images"):
        denoise(images=("colour",), test_images=("colour/c.png",)).samples("test")


def test_pictures_of_one_name_in_several_folders_are_distinguished(folder: Path):
    task = denoise(images=("colour",), test_images=("grey",), search=4)
    assert names(task) == (["colour/a", "b", "c", "d"], ["grey/a"])
    Image.open("grey/a.png").save("colour/a.jpg")
    task = denoise(images=("grey", "colour"), search=2)
    assert names(task)[0] == ["grey/a", "a.jpg"]
    assert names(task)[1] == ["colour/a.png", "b", "c", "d"]


def test_the_default_pictures_are_photographs_that_scikit_image_carries():
    task = denoise()
    for split in ("search", "test"):
        assert task.samples(split)
        for sample in task.samples(split):
            carried = Path(skimage.data.__file__).parent.glob(f"{sample.name}.*")
            assert len(list(carried)) == 1
            assert sample.degraded.shape == (1, 3, 64, 64)
            assert sample.clean.std() > 0.1
    assert not set(names(task)[0]) & set(names(task)[1])
    assert task.signature == Signature(3, 3)


def test_a_large_picture_is_cut_to_its_middle(tmp_path: Path):
    values = np.random.default_rng(0).integers(0, 256, (40, 25, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    whole = torch.from_numpy(values / 255).permute(2, 0, 1)[None].float()
    for size, middle in (
        (20, whole[..., 10:30, 2:22]),
        (30, whole[..., 5:35, :]),
        (64, whole),
        (0, whole),
    ):
        (sample,) = denoise(images=(str(tmp_path / "a.png"),), size=size).samples("test")
        torch.testing.assert_close(sample.clean, middle, rtol=0, atol=1e-7)


@pytest.mark.parametrize("size", [(1, 1), (15, 64), (64, 15)])
def test_a_picture_too_small_is_refused_with_its_name_and_size(
    tmp_path: Path, size: tuple[int, int]
):
    Image.new("L", size, 0).save(tmp_path / "tiny.png")
    with pytest.raises(PictureError, match=f"tiny has {size[1]} x {size[0]} .*16 x 16"):
        denoise(images=(str(tmp_path / "tiny.png"),)).samples("test")


def test_a_picture_of_the_smallest_size_has_metrics(tmp_path: Path):
    Image.new("L", (16, 16), 99).save(tmp_path / "a.png")
    task = denoise(images=(str(tmp_path / "a.png"),))
    (sample,) = task.samples("test")
    assert task.metrics(sample.clean, sample) == {"psnr": math.inf, "ssim": pytest.approx(1)}


def test_grey_pictures_among_colour_get_three_equal_channels(folder: Path):
    task = denoise(images=("colour",), test_images=("grey",))
    assert task.signature == Signature(3, 3)
    (sample,) = task.samples("test")
    assert torch.equal(sample.clean, sample.clean[:, :1].expand(-1, 3, -1, -1))


def test_grey_pictures_alone_have_one_channel_unless_rgb_is_asked(folder: Path):
    assert denoise(images=("grey",)).signature == Signature(1, 1)
    assert denoise(images=("grey",), color="rgb").signature == Signature(3, 3)


def test_colour_becomes_grey_by_its_luma(folder: Path):
    task = denoise(images=("colour/a.png",), color="grey")
    assert task.signature == Signature(1, 1)
    (sample,) = task.samples("test")
    luma = np.asarray(Image.open("colour/a.png"), float) / 255 @ (0.299, 0.587, 0.114)
    np.testing.assert_allclose(sample.clean[0, 0], luma, atol=1e-6)


@pytest.mark.parametrize("setting", ["images", "test_images"])
def test_pictures_that_are_noisy_already_are_tested_as_they_are(folder: Path, setting: str):
    task = denoise(**{setting: ("grey",)}, degraded=True)
    (sample,) = task.samples("test")
    values = np.asarray(Image.open("grey/a.png"), np.float32) / np.float32(255)
    assert sample.clean is None
    assert torch.equal(sample.degraded, torch.from_numpy(values)[None, None])
    assert task.metrics(sample.degraded, sample) == {}


def test_the_search_for_noisy_pictures_is_on_photographs_with_their_channels(folder: Path):
    for given, channels in (("grey", 1), ("colour", 3)):
        task = denoise(images=(given,), degraded=True)
        assert task.signature == Signature(channels, channels)
        assert [s.name for s in task.samples("search")] == ["astronaut", "coffee"]
        for sample in task.samples("search"):
            assert sample.clean.shape == sample.degraded.shape == (1, channels, 64, 64)
            assert not torch.equal(sample.clean, sample.degraded)


def test_all_noisy_pictures_that_are_given_are_restored(folder: Path):
    task = denoise(images=("grey",), test_images=("colour",), degraded=True)
    assert names(task)[1] == ["grey/a", "colour/a", "b", "c", "d"]


def test_noisy_without_pictures_is_refused():
    with pytest.raises(SettingsError, match=r"task\.images="):
        denoise(degraded=True).samples("test")


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("sigma", -1.0, ">= 0"),
        ("sigma", math.nan, ">= 0"),
        ("sigma", math.inf, "< inf"),
        ("sigmas", [25.0, -1.0], ">= 0"),
        ("sigmas", [math.nan], ">= 0"),
        ("search", -1, ">= 0"),
        ("size", 15, "0 or >= 16"),
        ("size", -1, "0 or >= 16"),
        ("seed", -1, ">= 0"),
        ("color", "blue", "rgb"),
        ("clip", "yes", "true or false"),
        ("noise", "speckle", "unknown degradation 'speckle'"),
        ("noise", {"name": "poisson", "peak": 0.0}, r"task\.noise: 'peak' must be > 0"),
        ("noise", {"name": "poisson", "peak": math.nan}, "> 0"),
        ("noise", {"name": "poisson", "peak": math.inf}, "<= 1000000000"),
        ("noise", {"name": "camera", "shot": -0.1}, ">= 0"),
        ("noise", {"name": "camera", "shot": math.inf}, "< inf"),
        ("noise", {"name": "camera", "read": -0.1}, ">= 0"),
        ("noise", {"name": "camera", "read": math.nan}, ">= 0"),
    ],
)
def test_a_setting_out_of_range_is_refused(field: str, value: object, why: str):
    with pytest.raises(NasirError, match=why):
        building.structure(Denoise, {field: value}, "task")


def test_one_path_stands_for_a_list_of_one(folder: Path):
    assert denoise(images="grey") == denoise(images=Path("grey")) == denoise(images=("grey",))


def test_a_task_is_pickled_without_its_pictures(folder: Path):
    task = denoise(images=("colour",))
    before = pickle.dumps(task)
    task.samples("search")
    assert pickle.dumps(task) == before
    assert pickle.loads(before) == task


def test_pictures_are_read_once(folder: Path):
    task = denoise(images=("colour",))
    assert task.samples("test")[0] is task.samples("test")[0]


def test_the_loss_is_the_mean_squared_error_to_the_noisy_picture(folder: Path):
    task = denoise(images=("colour",))
    sample = task.samples("search")[0]
    assert task.loss(sample.degraded, sample) == 0
    assert task.loss(sample.degraded + 0.5, sample).item() == pytest.approx(0.25)


def test_a_restored_picture_is_clipped_before_its_metrics(folder: Path):
    task = denoise(images=("colour",))
    sample = task.samples("search")[0]
    beyond = torch.where(sample.clean > 0.5, sample.clean + 9, sample.clean - 9)
    assert task.metrics(beyond, sample) == task.metrics(sample.clean.round(), sample)


def test_pictures_are_found_from_wherever_a_run_is_resumed(folder: Path, monkeypatch):
    settings = building.settings_of_component(denoise(images=("colour",)))
    monkeypatch.chdir(folder / "grey")
    assert names(denoise(**settings)) == (["a", "b"], ["c", "d"])


def test_gaussian_noise_of_255_has_the_deviation_of_white():
    seen = Gaussian(sigma=255).observe(torch.zeros(1, 1, 4, 4), np.random.default_rng(0))
    drawn = np.random.default_rng(0).standard_normal((1, 1, 4, 4), dtype=np.float32)
    torch.testing.assert_close(seen, torch.from_numpy(drawn), rtol=1e-6, atol=0)
