"""Files of trained networks: what they say, what they restore, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import toy_network
from safetensors.torch import load_file, save

import nasir
from nasir.cli.main import main
from nasir.core.errors import PluginError, SettingsError
from nasir.core.registry import registries
from nasir.networks.network import KEY, TrainedNetwork, check_network, find_network, read_network
from nasir.plugins.builtin.networks import FOLDER
from nasir.plugins.manager import plugins
from nasir.testing import NetworkContract


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TrainedNetwork:
    return toy_network.network(tmp_path_factory.mktemp("network"))


class TestToyNetwork(NetworkContract):
    @pytest.fixture(autouse=True)
    def _made(self, made: TrainedNetwork) -> None:
        self.made = made

    def make(self) -> TrainedNetwork:
        return read_network(self.made.path)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.safetensors")), ids=lambda path: path.stem)
class TestBuiltinNetworks(NetworkContract):
    @pytest.fixture(autouse=True)
    def _path(self, path: Path) -> None:
        self.path = path

    def make(self) -> TrainedNetwork:
        return read_network(self.path)


def rewritten(made: TrainedNetwork, path: Path, tensors=None, **changes: object) -> Path:
    """A copy of a network's file with other entries of its metadata, or other tensors."""
    content = made.metadata | changes
    kept = {name: value for name, value in content.items() if value is not None}
    path.write_bytes(save(tensors or load_file(made.path), {KEY: json.dumps(kept)}))
    return path


def test_a_network_restores_as_the_training_does(made: TrainedNetwork):
    trained = nasir.Training(made.path.parent / "trained")
    x = torch.rand(1, 3, 33, 47)
    with torch.no_grad():
        torch.testing.assert_close(made.load()(x), trained.network()(x))


def test_the_file_says_what_was_trained_for_and_how(made: TrainedNetwork):
    assert made.task["name"] == "denoise"
    assert made.task["noise"]["sigmas"] == [0, 25, 55]
    assert "images" not in made.task
    assert str(made.path.parent) not in json.dumps(made.metadata)
    assert made.recipe["evaluator"]["iterations"] == 50
    assert made.figures["psnr"] > 10
    assert made.licence == "MIT, own pictures"
    assert made.signature == nasir.Signature(3, 3)


def test_half_of_the_bytes_restore_alike(made: TrainedNetwork, tmp_path: Path):
    done = nasir.export(
        made.path.parent / "trained", tmp_path / "half.safetensors", licence="MIT", half=True
    )
    assert done.file.stat().st_size < 0.7 * made.path.stat().st_size
    assert done.difference < 0.002
    assert {tensor.dtype for tensor in load_file(done.file).values()} == {torch.float16}


def test_the_command_wants_a_licence(made: TrainedNetwork, capsys, tmp_path: Path):
    given = ["export", str(made.path.parent / "trained"), "-o", str(tmp_path / "a.safetensors")]
    assert main(given) == 2
    assert "--licence" in capsys.readouterr().err
    assert main([*given, "--licence", "CC BY 4.0", "--made", "in a test"]) == 0
    assert read_network(tmp_path / "a.safetensors").made == "in a test"
    assert main(["export", given[1], "-o", str(tmp_path / "a.pt2"), "--half"]) == 2


@pytest.mark.parametrize(
    ("changes", "printed"),
    [
        ({"format": 2}, "has format 2, this nasir reads 1"),
        ({"architecture": None}, "is damaged: it has no architecture"),
        ({"architecture": {"space": 3}}, "is damaged: an architecture is"),
        ({"signature": {"in_channels": 0, "out_channels": 3}}, "is damaged: it has no channels"),
        ({"signature": [3, 3]}, "is damaged"),
        ({"task": "denoise"}, "is damaged: 'task' must be settings with a name"),
        ({"licence": ""}, "is damaged"),
    ],
)
def test_a_wrong_description_is_refused(made: TrainedNetwork, tmp_path: Path, changes, printed):
    path = rewritten(made, tmp_path / "wrong.safetensors", **changes)
    with pytest.raises(SettingsError, match=r"network .*wrong.safetensors") as caught:
        read_network(path)
    assert printed in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_of_another_shape_are_refused(made: TrainedNetwork, tmp_path: Path):
    tensors = load_file(made.path)
    tensors["head.weight"] = torch.zeros(8, 3, 3, 3)
    path = rewritten(made, tmp_path / "wrong.safetensors", tensors)
    with pytest.raises(SettingsError, match=r"another network, which differs in head.weight"):
        read_network(path).load()


def test_a_file_that_is_cut_off_or_no_network_is_refused(made: TrainedNetwork, tmp_path: Path):
    path = tmp_path / "cut.safetensors"
    whole = made.path.read_bytes()
    for length in (0, 5, 100, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(SettingsError, match=r"cut.safetensors"):
            read_network(path).load()
    path.write_bytes(save({"a": torch.zeros(1)}))
    with pytest.raises(SettingsError, match="does not say of which network"):
        read_network(path)
    with pytest.raises(SettingsError, match=r"cannot read network .*: No such file"):
        read_network(tmp_path / "none.safetensors")


def test_networks_are_found_by_name_and_by_file(made: TrainedNetwork):
    class Plugin:
        @nasir.hookimpl
        def register_networks(self, register) -> None:
            register("toy_network", made.path)

    assert find_network(made.path).licence == made.licence
    with pytest.raises(SettingsError, match=r"unknown network 'nobody': .* or give a file"):
        find_network("nobody")
    plugins().add("networks-by-name", Plugin(), registries)
    try:
        assert find_network("toy_network").path == made.path
        assert main(["list", "networks"]) == 0
        assert main(["describe", "network=toy_network"]) == 0
    finally:
        registries["network"].forget("networks-by-name")


def test_a_registered_network_must_be_a_file(tmp_path: Path):
    with pytest.raises(PluginError, match=r"needs the path of a .safetensors file"):
        check_network("mine", tmp_path / "none")
