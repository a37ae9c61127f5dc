from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from toy_training import network

from nasir.core.errors import SettingsError
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
