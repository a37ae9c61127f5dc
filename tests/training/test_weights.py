from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from toy_training import network

from nasir.core.errors import SettingsError
from nasir.core.hints import Hints, give
from nasir.runs.result import write_result
from nasir.settings.building import make
from nasir.training.restored import network_weights
from nasir.training.weights import find_weights, load_weights


def trained() -> dict[str, torch.Tensor]:
    return {name: value + 1 for name, value in network().state_dict().items()}


@pytest.mark.parametrize(
    "place", ["w.safetensors", "weights.safetensors", "best/weights.safetensors"]
)
def test_weights_are_found_in_files_and_folders(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    save_file(trained(), path)
    net = network()
    load_weights(net, path if place == "w.safetensors" else tmp_path)
    assert all(torch.equal(trained()[name], value) for name, value in net.state_dict().items())


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there are no weights in"):
        find_weights(tmp_path)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_weights(network(), path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(trained(), path)
    with pytest.raises(SettingsError, match=r"of another network, which differs in 0\.bias and 6"):
        load_weights(network(width=4), path)


def test_weights_that_a_run_has_written_are_loaded(tmp_path: Path) -> None:
    """Counters of batch normalisation have no dimension, and keep none."""
    written = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    written(torch.rand(1, 1, 5, 5))
    architecture = make("space", "hinas").named("all_conv")
    write_result(tmp_path / "best", architecture, {}, weights=network_weights(written))
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    load_weights(net, tmp_path)
    for name, value in written.state_dict().items():
        assert torch.equal(net.state_dict()[name], value)


def test_weights_are_loaded_with_the_hints_that_the_network_was_given(tmp_path: Path) -> None:
    fitted, fresh = (nn.Sequential(Hints(1), nn.Conv2d(3, 1, 3)) for _ in range(2))
    give(fitted, torch.rand(1, 1, 6, 7))
    save_file(fitted.state_dict(), tmp_path / "weights.safetensors")
    load_weights(fresh, tmp_path)
    x = torch.rand(1, 2, 6, 7)
    assert torch.equal(fresh(x), fitted(x))
