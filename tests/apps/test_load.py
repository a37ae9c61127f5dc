"""``nasir.load``: networks with the weights that were written beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from toy_trained import trained

import nasir
from nasir.runs.run import Run

SMALL = ("task=denoise", "task.size=16", "task.color=grey", "strategy=random", "trials=1")
PLAIN = {"space.depth": 1, "space.width": 4, "evaluator.iterations": 3, "references": ()}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    return nasir.search(*SMALL, space="nasdip", **PLAIN, folder=folder, name="fitted")


def test_the_networks_of_fits_are_those_of_the_pictures(fitted: Run) -> None:
    weights = load_file(fitted.folder / "best" / "weights.safetensors")
    pictures = sorted({name.rpartition("/")[0] for name in weights})
    assert len(pictures) > 1
    for picture in pictures:
        state = nasir.load(fitted.folder, picture=picture).state_dict()
        assert state
        for name, value in state.items():
            assert torch.equal(value, weights[f"{picture}/{name}"])
    with pytest.raises(nasir.NasirError, match=f"picture= is one of: {pictures[0]}"):
        nasir.load(fitted)


def test_the_network_of_a_training_is_that_of_its_folder(tmp_path: Path) -> None:
    made = trained(tmp_path, output="net")
    network = nasir.load(tmp_path / "net").state_dict()
    for name, value in made.network().state_dict().items():
        assert torch.equal(value, network[name])


def test_a_run_without_weights_says_so(toy) -> None:
    run = toy(trials=1)
    (run.folder / "best" / "weights.safetensors").unlink()
    with pytest.raises(nasir.NasirError, match="no weights in best/"):
        nasir.load(run)


def test_a_network_by_name_and_its_file_are_the_same() -> None:
    first = nasir.load("denoise_grey").state_dict()
    from nasir.networks.network import find_network

    second = nasir.load(Path(find_network("denoise_grey").path)).state_dict()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    with pytest.raises(nasir.NasirError, match="unknown network 'nothing'"):
        nasir.load("nothing")
