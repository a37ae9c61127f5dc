"""Which network restores a picture, and how its noise is made such that the network takes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from nasir.apps.restore.choosing import network_for, stabilisation
from nasir.apps.restore.deciding import decide
from nasir.apps.restore.settings import RestoreSettings
from nasir.core.metrics import psnr
from nasir.settings.building import make
from nasir.settings.reader import read_one


@pytest.mark.parametrize(
    ("noise", "gain"),
    [
        ({"name": "poisson", "peak": 6}, 0.1),
        ({"name": "poisson+gaussian", "poisson": {"peak": 6}, "gaussian": {"sigma": 5}}, 0.05),
    ],
)
def test_photon_noise_is_made_white_for_a_network_of_white_noise(
    noise: dict[str, object], gain: float
) -> None:
    task = make("task", "denoise", noise=noise)
    network = network_for(task)
    assert network is not None
    stabilised = stabilisation(network, task)
    assert stabilised is not None
    assert stabilised.slope == pytest.approx(1 / 6)
    clean = torch.from_numpy(data.astronaut()[20:116, 180:276] / np.float32(255))
    clean = clean.permute(2, 0, 1)[None]
    y = task.degrading().apply(clean, np.random.default_rng(0)).degraded
    module = network.load()
    with torch.inference_mode():
        direct, white = (psnr(x.clamp(0, 1), clean) for x in (module(y), stabilised(module, y)))
    assert white > direct + gain


def test_white_noise_is_left_as_it_is() -> None:
    task = make("task", "denoise")
    network = network_for(task)
    assert network is not None
    assert stabilisation(network, task) is None


@pytest.mark.parametrize("words", [(), ("task=denoise",)])
def test_a_picture_with_photon_noise_is_restored_as_such(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    clean = data.astronaut()[:192, 100:292] / 255
    noisy = np.random.default_rng(0).poisson(clean * 20) / 20
    path = tmp_path / "photons.png"
    Image.fromarray(np.rint(noisy.clip(0, 1) * 255).astype(np.uint8)).save(path)
    planned = decide(path, read_one(RestoreSettings, words, {}))
    assert planned.problem.task.noise.parts[0].peak == pytest.approx(20, rel=0.4)
    assert planned.chosen == "denoise"
    assert planned.compared_by is None
    assert "photons at white" in planned.diagnosis.words


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("task.blur=motion_blur task.length=5", "dpir"),
        ("task.noise=gaussian task.sigma=4", "dpir"),
        ("task.noise=jpeg", "nasdip_denoising"),  # other noise than white: a fit
        ("evaluator.iterations=9", "nasdip_denoising"),  # which is asked for here
    ],
)
def test_a_blur_that_is_known_is_undone_without_a_fit(
    words: str, chosen: str, tmp_path: Path
) -> None:
    Image.fromarray(data.astronaut()[:64, 100:164]).save(tmp_path / "a.png")
    asked = read_one(RestoreSettings, ("task=deblur", *words.split()), {})
    assert decide(tmp_path / "a.png", asked).chosen == chosen


@pytest.mark.parametrize(
    ("network", "words"), [("sr2", ("task=sr", "task.scale=2")), ("denoise", ("task.sigma=10",))]
)
def test_a_short_name_replaces_what_a_network_was_trained_for(
    network: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    """The scale of its downsampling, and the levels of its noise."""
    Image.fromarray(data.astronaut()[:64, 100:164]).save(tmp_path / "a.png")
    asked = read_one(RestoreSettings, (f"network={network}", *words), {})
    planned = decide(tmp_path / "a.png", asked)
    assert planned.chosen == network
    (part,) = planned.problem.task.degrading().parts
    assert (part.scale, getattr(part, "sigma", 10)) == (planned.problem.task.factor, 10)
