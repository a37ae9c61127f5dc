"""What restores a picture, where the user says little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import toy_network
from PIL import Image
from skimage import data

import nasir
from nasir.apps.restore.deciding import NothingToRestore
from nasir.apps.restore.trained import by_network, restored_by
from nasir.cli.main import main
from nasir.core.errors import NasirError
from nasir.core.evaluator import Problem
from nasir.core.registry import Entry, registries
from nasir.core.task import Sample
from nasir.networks.network import TrainedNetwork


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TrainedNetwork:
    return toy_network.network(tmp_path_factory.mktemp("network"))


@pytest.fixture
def alone(made: TrainedNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy network is the only one that is registered."""

    entry = Entry("toy", str(made.path), "", "toy")
    monkeypatch.setattr(registries["network"], "_entries", {"toy": entry})


def noisy(path: Path, sigma: float = 25, grey: bool = False) -> Path:
    clean = data.camera()[:160, 150:350] if grey else data.astronaut()[:160, 150:350]
    picture = clean + np.random.default_rng(0).normal(0, sigma, clean.shape)
    Image.fromarray(np.uint8(np.clip(picture, 0, 255).round())).save(path)
    return path


def test_a_noisy_picture_is_restored_by_the_best_of_network_and_methods(alone, tmp_path: Path):
    done = nasir.restore(noisy(tmp_path / "a.png"))
    assert done.risks is not None
    assert set(done.risks.by_candidate) >= {"network toy", "method nlm", "input"}
    assert done.by == done.risks.best
    assert done.risks.by_candidate[done.by] < done.risks.by_candidate["input"]
    assert done.diagnosis is not None
    assert done.diagnosis.troubles == ("white noise",)
    assert done.stops == ()
    assert done.mapping["by"] == done.by


def test_a_network_that_is_named_restores(made: TrainedNetwork, tmp_path: Path):
    done = nasir.restore(noisy(tmp_path / "a.png"), network=made.path)
    assert (done.by, done.risks) == (f"network {made.path}", None)
    assert done.architecture == made.architecture


def test_grey_pictures_are_restored_by_a_network_for_colour(made: TrainedNetwork, tmp_path: Path):
    done = nasir.restore(noisy(tmp_path / "a.png", grey=True), network=made.path)
    assert done.picture.shape == (160, 200, 1)


def test_a_picture_that_needs_nothing_is_refused_and_nothing_written(tmp_path: Path):
    Image.fromarray(data.astronaut()).save(tmp_path / "a.png")
    with pytest.raises(NothingToRestore, match="needs nothing: no noise, no JPEG"):
        nasir.restore(tmp_path / "a.png")
    Image.fromarray(np.full((80, 90, 3), 7, np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(NothingToRestore, match=r"needs nothing: no noise"):
        nasir.restore(tmp_path / "b.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_a_method_that_is_named_restores(tmp_path: Path):
    done = nasir.restore(noisy(tmp_path / "a.png"), method="nlm")
    assert (done.by, done.architecture) == ("method nlm", None)
    large = nasir.restore(
        tmp_path / "a.png", "task=sr", "task.scale=2", method="bicubic", force=True
    )
    assert large.picture.shape == (320, 400, 3)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (("method=nlm", "network=toy"), "method= and network= are two ways"),
        (("network=toy", "architecture=auto"), "network= and architecture= are two ways"),
        (("network=toy", "evaluator=dip"), "network= and evaluator= are two ways"),
        (("task=sr", "task=denoise"), "task=sr and task=denoise are two tasks"),
        (("network=toy", "task=sr"), "network toy restores task=denoise, not task=sr"),
        (("network=nobody",), "unknown network 'nobody'"),
        (("method=biharmonic",), "fills in missing pixels"),
        (("method=bicubic",), "method=bicubic enlarges"),
        (("method=nlm", "task.images=x"), "task.images cannot be set"),
    ],
)
def test_what_cannot_be_done_together_is_refused_in_one_line(
    alone, tmp_path: Path, capsys, words: tuple[str, ...], printed: str
):
    path = noisy(tmp_path / "a.png")
    assert main(["restore", str(path), *words]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("nasir: ")
    assert printed in said
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_network_for_grey_pictures_makes_none_of_colours_unasked(tmp_path: Path):
    path = noisy(tmp_path / "a.png")
    with pytest.raises(NasirError, match="is for grey pictures, and a"):
        nasir.restore(path, network="denoise_grey")
    done = nasir.restore(path, "task.color=grey", network="denoise_grey")
    assert done.picture.shape[-1] == 1


def test_a_network_for_grey_pictures_refuses_colour(tmp_path: Path):
    grey = toy_network.network(tmp_path / "grey", colour=False)
    with pytest.raises(NasirError, match="is for grey pictures, here are colour pictures"):
        nasir.restore(noisy(tmp_path / "a.png"), network=grey.path)


def test_parts_of_a_picture_leave_no_seam(made: TrainedNetwork):
    module = made.load()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(1))
    clean = torch.from_numpy(data.astronaut() / 255).float().permute(2, 0, 1)[None]
    sample, task = Sample("a", clean[..., :300, :437].contiguous()), made.make_task()
    problem = Problem(made.make_space(), task, {})
    restore_part = by_network(module, 3, task)
    whole, parts = (
        restored_by(restore_part, sample, problem, side, lambda *_, **__: None) for side in (0, 128)
    )
    assert abs(whole - parts).max() < 1e-3
    assert abs(whole - sample.degraded[0].permute(1, 2, 0).numpy()).max() > 0.01
